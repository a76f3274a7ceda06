"""The contents of executions: the data that engines record for them, as JSON text.

``stored`` finds their texts in the database. ``room`` reads them for a response, up to its limit of
bytes, ``shown`` is what it shows of each, and ``turns`` limits how many responses read at the same
time. ``steps`` reads the steps in them with ``json_text``, which passes JSON on as it is written.
``error_sql`` finds the error of an execution in SQL, for triggers.
"""
