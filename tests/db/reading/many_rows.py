"""Tables of many executions, for tests of how statements find a few of them."""

from collections.abc import Mapping

from tests.places import Place, PostgresPlace, SQLitePlace


def fill(place: Place, insert: str, rows: Mapping[type[Place], int], *, is_analyzed: bool) -> None:
    """Run an INSERT whose ``{}`` is a table of the numbers from 1 to ``rows``, as ``number``."""
    if isinstance(place, PostgresPlace):
        numbers = f"generate_series(1, {rows[PostgresPlace]}) AS numbers (number)"
    else:
        numbers = (
            "(WITH RECURSIVE counted (number) AS (SELECT 1 UNION ALL SELECT number + 1"
            f" FROM counted WHERE number < {rows[SQLitePlace]}) SELECT number FROM counted)"
        )
    place.run(insert.format(numbers), [()])
    if is_analyzed:
        place.run("ANALYZE", [()])
