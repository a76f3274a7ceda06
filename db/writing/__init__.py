"""Write executions.

``changes`` updates and deletes executions by guid, within the changes that ``db.database`` runs;
``loading`` upserts whole files of them in one transaction.
"""
