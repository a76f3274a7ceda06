"""The gateway in front of a Flowise: its tables beside Flowise's, and triggers between them.

``attachment`` attaches a database, mends it and detaches it, and a ``marker`` says that it is
attached; one gateway has the ``watch_turn``. Before that, ``tables`` finds Flowise's tables,
``refusals`` says what can't be attached, and ``inspection`` what attaching would come to, both
through ``read_only``. ``sides`` is what attaching needs of a database, and ``opening`` chooses
between the two that there are: ``sqlite_sides``, with ``sqlite_batches``, and ``postgres_sides``,
with ``postgres_statements``. Their triggers are in ``sqlite_triggers`` and ``postgres_triggers``
(of ``postgres_forward``, from Flowise to the gateway, and ``postgres_back``), and how a row is read
in ``sqlite_mapping`` and ``postgres_mapping``. ``content`` reads Flowise's `executionData`.
"""
