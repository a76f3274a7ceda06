"""The contents of executions: what their engines left of each step.

``stored`` finds their texts, ``room`` reads them for a response that has room for so much,
``shown`` is what it shows of each, and ``turns`` lets few responses read at the same time.
``steps`` are read with ``json_text``, which passes JSON on as it is written. ``error_sql`` finds
the error of an execution in SQL, for triggers.
"""
