"""The command line.

``main`` defines the commands. ``command`` holds what they share: reading settings, opening the
database, printing errors; ``diagnosis`` explains why a database can't be opened. The ``import``
command reads files through ``import_files``, which picks a reader for the format: ``import_csv`` or
``import_json``, both over the text that ``import_text`` decodes. ``export_command`` writes what the
filter of ``filter_option`` finds to an ``output_file``, and ``prune`` deletes old executions.
``rest_import`` imports from another server. ``flowise`` attaches and detaches a Flowise, and
``flowise_report`` says what came of it.
"""
