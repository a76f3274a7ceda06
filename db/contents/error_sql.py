"""The error of an execution in SQL, for triggers: what ``error_in`` returns for the same text.

It never fails, because that would fail an engine's write. A text in which no step failed costs
little: it is searched, not parsed. Of a long text only the end is parsed. JSON that is nested too
deeply for the database has no error.
"""

from db.contents.steps import FAILED, MARK, MOST_READ, STEP_STARTS
from db.models import LONGEST_ERROR

_SUBSTITUTE = 0xFFFD


def sqlite_error_of(column: str) -> str:
    """Return an expression of SQLite: the error in the text of a column."""
    # Functions of texts and of JSON take U+0000 for the end of a text. Limits keep what is computed
    # from being computed wherever it is named.
    starts = ", ".join(f"nullif(instr(last, '{start}'), 0)" for start in STEP_STARTS)
    read = (
        f"SELECT CASE WHEN length({column}) > {MOST_READ}"
        f" THEN (SELECT '[' || substr(last, coalesce({starts}) + 2)"
        f" FROM (SELECT substr({column}, -{MOST_READ}) AS last LIMIT 1))"
        f" ELSE {column} END AS read_steps LIMIT 1"
    )
    error = (
        "CASE WHEN json_valid(read_steps) THEN CASE json_type(read_steps)"
        f" WHEN 'array' THEN ({_sqlite_first('read_steps')}) END END"
    )
    return (
        f"CASE WHEN typeof({column}) = 'text' AND {column} GLOB '*{MARK}*'"
        f" AND instr({column}, char(0)) = 0 THEN (SELECT {error} FROM ({read})) END"
    )


def _sqlite_first(column: str) -> str:
    # Names that no column has which is passed in; and what is no object is never parsed as JSON.
    step = "CASE step.type WHEN 'object' THEN step.value END"
    status = _sqlite_member(step, "status", "CASE type WHEN 'text' THEN value END")
    data = _sqlite_member(step, "data", _OBJECT)
    output = _sqlite_member("step_data", "output", _OBJECT)
    # The error of the data, or else that of its output. The limits keep SQLite from compiling each
    # expression at each place where it is used, and tables that follow each other are not nested,
    # of which its parser bears little.
    error = (
        f"SELECT a_message FROM (SELECT {_sqlite_message('holder')} AS a_message"
        f" FROM (SELECT step_data AS holder UNION ALL SELECT {output} LIMIT -1) LIMIT -1)"
        " WHERE a_message IS NOT NULL LIMIT 1"
    )
    # Most errors are of characters that need no replacing.
    return (
        f"WITH failed AS (SELECT {data} AS step_data"
        f" FROM json_each({_sqlite_without_nulls(column)}) AS step WHERE {status} = '{FAILED}'"
        f" LIMIT -1), told AS (SELECT ({error}) AS step_error FROM failed LIMIT -1),"
        f" cut AS (SELECT substr(step_error, 1, {LONGEST_ERROR}) AS cut_error FROM told"
        " WHERE step_error IS NOT NULL LIMIT 1)"
        " SELECT CASE WHEN cut_error GLOB '*[^' || char(1) || '-~]*'"
        f" THEN ({_SQLITE_KEPT}) ELSE cut_error END FROM cut"
    )


_OBJECT = "CASE type WHEN 'object' THEN value END"
# SQLite reads U+FFFE, U+FFFF and what is not UTF-8 as U+FFFD.
_SQLITE_KEPT = (
    "WITH RECURSIVE part (read, kept) AS (SELECT 0, '' UNION ALL"
    " SELECT read + 1, kept || char(unicode(substr(cut_error, read + 1, 1))) FROM part"
    " WHERE read < length(cut_error)) SELECT kept FROM part ORDER BY read DESC LIMIT 1"
)


def _sqlite_member(json: str, name: str, chosen: str) -> str:
    """Return what is chosen of a member: of several with its name the last one."""
    return (
        f"(SELECT {chosen} FROM json_each({json}) AS a_{name} WHERE key = '{name}'"
        " ORDER BY id DESC LIMIT 1)"
    )


def _sqlite_message(json: str) -> str:
    text = "WHEN 'text' THEN nullif(value, '')"
    message = _sqlite_member("a_error.value", "message", f"CASE type {text} END")
    return _sqlite_member(json, "error", f"CASE type {text} WHEN 'object' THEN {message} END")


def _sqlite_without_nulls(column: str) -> str:
    r"""Return the text of valid JSON with U+FFFD in place of \u0000, at which functions stop.

    Backslashes in JSON pair up from the left, and no U+0001 is in it.
    """
    paired = rf"replace({column}, '\\', char(1))"
    replaced = rf"replace({paired}, '\u0000', char({_SUBSTITUTE}))"
    return (
        rf"CASE WHEN instr({column}, '\u0000') THEN replace({replaced}, char(1), '\\')"
        f" ELSE {column} END"
    )


def create_postgres_function(schema: str = "") -> str:
    """Return the statement that creates the function of ``postgres_error_of``.

    ``schema`` prefixes its name.
    """
    return (
        f"CREATE OR REPLACE FUNCTION {schema}{_FUNCTION}(given text) RETURNS text"
        f" LANGUAGE plpgsql IMMUTABLE AS $$ {_POSTGRES} $$"
    )


def postgres_error_of(column: str, schema: str = "") -> str:
    """Return an expression of PostgreSQL: the error in the text of a column.

    It calls the function of ``create_postgres_function``.
    """
    return f"{schema}{_FUNCTION}({column})"


_FUNCTION = "gateway_error_of"


def _postgres_message(json: str) -> str:
    return (
        f"nullif(CASE json_typeof({json} -> 'error') WHEN 'string' THEN {json} ->> 'error'"
        f" WHEN 'object' THEN CASE json_typeof({json} -> 'error' -> 'message')"
        f" WHEN 'string' THEN {json} -> 'error' ->> 'message' END END, '')"
    )


_UNKEPT = "chr(65534) || chr(65535)"
_POSTGRES_FIRST = f"""
IF json_typeof(steps) = 'array' THEN
    RETURN (
        SELECT translate(left(error, {LONGEST_ERROR}), {_UNKEPT}, repeat(chr({_SUBSTITUTE}), 2))
        FROM (
            SELECT position, coalesce(
                {_postgres_message("data")}, {_postgres_message("output")}
            ) AS error
            FROM (
                SELECT position, step -> 'data' AS data, step -> 'data' -> 'output' AS output
                FROM json_array_elements(steps) WITH ORDINALITY AS each_step (step, position)
                WHERE json_typeof(step) = 'object' AND json_typeof(step -> 'status') = 'string'
                AND step ->> 'status' = '{FAILED}'
            ) AS failed
        ) AS errors
        WHERE error IS NOT NULL ORDER BY position LIMIT 1
    );
END IF;
RETURN NULL;"""
_HIGH, _LOW = r"\\u[dD][89aAbB][0-9a-fA-F]{2}", r"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_STARTS = ", ".join(f"nullif(strpos(kept, '{start}'), 0)" for start in STEP_STARTS)
# A block with exceptions is a subtransaction, so only texts that may say something come to one.
# PostgreSQL reads neither U+0000 nor lone surrogates from JSON. Backslashes in JSON pair up from
# the left, and no U+0001 is in it.
_POSTGRES = rf"""
DECLARE
    kept text := given || '';
    steps json;
BEGIN
    IF given IS NULL OR strpos(kept, '{MARK}') = 0 THEN
        RETURN NULL;
    END IF;
    IF length(kept) > {MOST_READ} THEN
        kept := right(kept, {MOST_READ});
        kept := '[' || substr(kept, coalesce({_STARTS}) + 2);
        IF kept IS NULL THEN
            RETURN NULL;
        END IF;
    END IF;
    BEGIN
        steps := kept;
        {_POSTGRES_FIRST}
    EXCEPTION WHEN OTHERS THEN
        IF strpos(kept, '\u') = 0 OR strpos(kept, chr(1)) > 0 THEN
            RETURN NULL;
        END IF;
    END;
    BEGIN
        kept := replace(replace(kept, '\\', chr(1)), '\u0000', '\ufffd');
        kept := regexp_replace(kept, '{_HIGH}(?!{_LOW})', '\\ufffd', 'g');
        kept := regexp_replace(kept, '(?<!{_HIGH}){_LOW}', '\\ufffd', 'g');
        steps := replace(kept, chr(1), '\\');
        {_POSTGRES_FIRST}
    EXCEPTION WHEN OTHERS THEN
        RETURN NULL;
    END;
END"""
