"""Every committed change of an execution as an event, in one order for everybody.

Triggers write an event in the transaction of each change. ``event`` says what an event is and
``position`` where it stands in the order. A subscription begins at a ``start``, which ``cursors``
write as opaque text; ``seals`` hide what is in it from those who see one workspace. ``log`` reads
events, on SQLite from a ``numbered_log`` and on PostgreSQL from a ``ticked_log``, both by
``event_columns``; ``feed`` reads new ones as they come and keeps the ``recent`` ones in memory.
``old_events`` are deleted.
"""
