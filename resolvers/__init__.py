"""The root fields, and the single description of how a selection is read.

``query``, ``mutation`` and ``subscription`` declare the root fields; ``roots`` says how each is
planned, and which of ``checks`` its arguments must pass. An operation first meets ``plans``, which
plan it once with ``selections`` and ``coercion``. ``arguments`` and ``page_arguments`` turn a
field's arguments into queries of ``db``; ``checks`` and ``argument_errors`` find all errors in
them. ``connection`` reads pages, ``agentflows`` and ``nodes`` find objects by their ids,
``statistics`` reads numbers, ``contents`` the data of executions, ``changes`` makes changes, and
``events`` tells of them. ``context`` has what they read and change. ``objects`` turns the rows of
all of them into objects through ``row_code``, field by field as ``row_types`` describes them.
``schema`` builds the executable schema, whose executor runs the same root fields for operations
without a plan.
"""
