"""Install Flowise, tell whether the gateway is true in front of it, and measure both.

`make flowise` runs it: ``python -m tests.flowise [--database sqlite] [--only story]``. Flowise is
installed into a temporary folder, or into FLOWISE_FOLDER, where it stays.
"""

import argparse
import contextlib
import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.flowise.figures import measure
from tests.flowise.package import install
from tests.flowise.story import Setting, say, tell
from tests.places import PostgresPlace, SQLitePlace, postgres_server


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--database", choices=_DATABASES, action="append")
    asked.add_argument("--only", choices=_PARTS, action="append")
    asked.add_argument("--rows", type=int, default=100_000, help="how many executions to measure")
    chosen = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="gateway-flowise-") as temporary:
        folder = Path(temporary)
        packages = install(Path(os.environ.get("FLOWISE_FOLDER") or folder / "installed"))
        for database in chosen.database or _DATABASES:
            for part in chosen.only or _PARTS:
                say(f"\n## {part.capitalize()} on {database}\n")
                own = folder / f"{database}-{part}"
                own.mkdir()
                with _DATABASES[database](packages, own) as setting:
                    _PARTS[part](setting, chosen.rows)


@contextlib.contextmanager
def _on_sqlite(packages: Path, folder: Path) -> Iterator[Setting]:
    def setting(name: str) -> Setting:
        own = folder / name
        own.mkdir()
        place = SQLitePlace(own / "database.sqlite")
        database = {"DATABASE_TYPE": "sqlite", "DATABASE_PATH": str(own)}
        return Setting(packages, own, place, database, unattached)

    def unattached() -> Setting:
        copied = setting("unattached")
        with (
            contextlib.closing(sqlite3.connect(folder / "attached" / "database.sqlite")) as source,
            contextlib.closing(sqlite3.connect(copied.folder / "database.sqlite")) as target,
        ):
            source.backup(target)
        return copied

    yield setting("attached")


@contextlib.contextmanager
def _on_postgres(packages: Path, folder: Path) -> Iterator[Setting]:
    with postgres_server() as server:

        def setting(name: str) -> Setting:
            place = server.new(folder)
            assert isinstance(place, PostgresPlace)
            # The wheel's server has no extensions, and Flowise needs this one of uuid-ossp.
            place.run(
                "CREATE FUNCTION uuid_generate_v4() RETURNS uuid LANGUAGE sql"
                " AS 'SELECT gen_random_uuid()'",
                [()],
            )
            own = folder / name
            own.mkdir()
            database = {
                "DATABASE_TYPE": "postgres",
                "DATABASE_HOST": str(server.socket.parent),
                "DATABASE_NAME": place.name,
                "DATABASE_USER": "postgres",
                "DATABASE_PASSWORD": "none",
            }
            return Setting(packages, own, place, database, lambda: setting("unattached"))

        yield setting("attached")


_DATABASES = {"sqlite": _on_sqlite, "postgres": _on_postgres}
_PARTS: dict[str, Callable[[Setting, int], None]] = {
    "story": lambda setting, _: tell(setting),
    "figures": measure,
}

if __name__ == "__main__":
    main()
