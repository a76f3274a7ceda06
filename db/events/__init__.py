"""Every committed change of an execution as an event, in one order for everybody.

Triggers write an event in the transaction of each change. ``event`` says what an event is and
``position`` where it stands in the order; ``cursors`` are positions as opaque text. ``log`` reads
events, and ``feed`` reads new ones as they come and keeps the ``recent`` ones in memory.
``old_events`` are deleted.
"""
