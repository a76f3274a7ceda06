"""SQLite: one file, many readers, one writer at a time.

``database`` is the entry point. Short reads go to ``loop_reader``, which runs them on the event
loop, or in batches to a thread (``batching``); other reads borrow a connection from
``connection_pool``, for one statement or for a ``snapshot``. ``group_commit`` runs changes, and
``flowise_changes`` brings them to an attached Flowise before they are committed. ``file_watch``
notices when the file is moved, ``commit_watch`` notices commits, ``checkpoints`` empties the
write-ahead log, ``file_lock`` tells processes of each other, and ``sql`` renders the constructs of
``db.dialect``.
"""
