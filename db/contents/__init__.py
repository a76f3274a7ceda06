"""The contents of executions: what their engines left of each step.

``contents`` finds them, ``reading`` reads them for a response that has room for so much, and
``turns`` lets few responses do so at the same time. ``steps`` are read with ``json_text``, which
passes JSON on as it is written. ``error_sql`` finds the error of an execution in SQL, for triggers.
"""
