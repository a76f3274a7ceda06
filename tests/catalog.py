"""What is in a PostgreSQL database besides rows, to see what was made in it and taken away."""

_SCHEMAS = "(SELECT oid FROM pg_namespace WHERE nspname !~ '^pg_|^information_schema$')"

CATALOG = f"""
SELECT 'schema', nspname::text, '', '' FROM pg_namespace WHERE oid IN {_SCHEMAS}
UNION ALL SELECT 'relation', relname::text, relkind::text, relpersistence::text FROM pg_class
WHERE relnamespace IN {_SCHEMAS}
UNION ALL SELECT 'column', attrelid::regclass::text, attname::text,
    format_type(atttypid, atttypmod) || attnotnull
FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
WHERE relnamespace IN {_SCHEMAS} AND attnum > 0
UNION ALL SELECT 'index', indexrelid::regclass::text, '', pg_get_indexdef(indexrelid)
FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE relnamespace IN {_SCHEMAS}
UNION ALL SELECT 'constraint', conrelid::regclass::text, conname::text, pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace IN {_SCHEMAS}
UNION ALL SELECT 'trigger', tgrelid::regclass::text, tgenabled::text, pg_get_triggerdef(oid)
FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT 'function', oid::regprocedure::text, '', prosrc FROM pg_proc
WHERE pronamespace IN {_SCHEMAS}
UNION ALL SELECT 'type', typname::text, typtype::text, '' FROM pg_type
WHERE typnamespace IN {_SCHEMAS}
ORDER BY 1, 2, 3, 4
"""
"""Everything that is defined in all schemas but the server's own, in one order.

Rows are of a kind, a name, and two texts that depend on the kind; a relation's are its kind and
its persistence.
"""
