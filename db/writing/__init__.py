"""What is written: changes of executions, and whole files of them.

``changes`` updates and deletes executions by their guids; ``loading`` upserts many at once.
"""
