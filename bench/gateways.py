"""Run the gateway's command line, as users do."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def gateway_command(*arguments: str, database: str) -> str:
    """Run a command on the database of a URL and return its output."""
    command = [sys.executable, str(ROOT / "app.py"), *arguments, "--database", database]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def make_key(database: str, *scopes: str) -> str:
    """Create a key with some scopes and return it."""
    given = [part for scope in scopes for part in ("--scope", scope)]
    return gateway_command("keys", "create", "bench", *given, database=database).split()[-1]
