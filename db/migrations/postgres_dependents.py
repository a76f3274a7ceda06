"""What of others in PostgreSQL depends on tables and functions that are to be dropped.

PostgreSQL refuses to drop those by itself. Whoever drops them in several transactions asks before
the first.
"""

DEPENDENTS = """
WITH RECURSIVE dropped AS (
    SELECT 'pg_class'::regclass::oid AS classid, to_regclass(quote_ident(name))::oid AS objid
    FROM unnest($1::text[]) AS name
    UNION
    SELECT 'pg_proc'::regclass::oid, pg_proc.oid
    FROM pg_proc JOIN pg_class ON relnamespace = pronamespace
    WHERE pg_class.oid = to_regclass(quote_ident($2)) AND proname = ANY ($3::text[])
    UNION
    SELECT pg_depend.classid, pg_depend.objid
    FROM pg_depend JOIN dropped ON refclassid = dropped.classid AND refobjid = dropped.objid
    WHERE deptype IN ('a', 'i')
)
SELECT DISTINCT coalesce(
    (
        SELECT pg_describe_object('pg_class'::regclass, ev_class, 0) FROM pg_rewrite
        WHERE pg_depend.classid = 'pg_rewrite'::regclass AND pg_rewrite.oid = pg_depend.objid
    ),
    pg_describe_object(pg_depend.classid, pg_depend.objid, 0)
)
FROM pg_depend JOIN dropped ON refclassid = dropped.classid AND refobjid = dropped.objid
WHERE deptype = 'n' AND (pg_depend.classid, pg_depend.objid) NOT IN (
    SELECT classid, objid FROM dropped WHERE objid IS NOT NULL
)
ORDER BY 1
"""
"""Finds it as "view mine", for the names of tables, one of these, and the names of functions.

What is dropped with them, such as indexes, is not among it.
"""
