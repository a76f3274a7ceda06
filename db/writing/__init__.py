"""Write executions.

``changes`` updates and deletes executions by guid, within the changes that ``db.database`` runs;
``loading`` upserts whole files of them in one transaction, and ``rest_imports`` remembers how far
an import from another server is. Work on more than one transaction should hold goes in batches:
``matching`` updates and deletes what a filter finds, by the runs of ``batches``, and
``old_executions`` deletes or times out what is too old.
"""
