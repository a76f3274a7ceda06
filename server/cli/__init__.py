"""The command line.

``main`` has every command. ``command`` is what they share: reading settings, opening the database,
telling of errors. ``import_command`` reads files through ``import_files``, which knows their
formats.
"""
