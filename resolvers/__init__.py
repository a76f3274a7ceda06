"""The root fields, and the single description of how a selection is read.

``query`` and ``mutation`` declare the root fields; ``roots`` says how each is planned. An operation
first meets ``plans``, which plan it once with ``selections`` and ``coercion``. ``arguments`` turns
a field's arguments into queries of ``db``; ``connection`` reads pages, ``changes`` makes changes,
and ``objects`` turns their rows into objects through ``row_code``. ``schema`` builds the executable
schema, whose executor runs the same root fields for operations without a plan.
"""
