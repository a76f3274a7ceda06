"""The root fields, and the single description of how a selection is read.

``query`` and ``mutation`` declare the root fields; ``roots`` says how each is planned, and which of
``checks`` its arguments must pass. An operation first meets ``plans``, which plan it once with
``selections`` and ``coercion``. ``arguments`` and ``page_arguments`` turn a field's arguments into
queries of ``db``; ``argument_errors`` finds all errors in them. ``connection`` reads pages,
``changes`` makes changes, and ``objects`` turns their rows into objects through ``row_code``.
``schema`` builds the executable schema, whose executor runs the same root fields for operations
without a plan.
"""
