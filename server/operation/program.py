"""The program's name, and the command that started it."""

import os
import re
import shlex
import sys
from pathlib import Path

NAME = "executions-gateway"
"""The name of the program and of its distribution."""
_PASSWORD = re.compile(r"(//[^:@/]*:)[^@]*(?=@)|([?&]password=)[^&]*")


def program() -> str:
    """Return the command that started this program, for messages that suggest another command."""
    started = sys.argv[0]
    if not started.endswith(".py"):
        return started if os.sep in started else NAME
    python = sys.executable
    here = f"{Path.cwd()}{os.sep}"
    return f"{python.removeprefix(here)} {started}"


def on_database(url: str) -> str:
    """Return the option of a suggested command that names a database, without its password."""
    shown = _PASSWORD.sub(r"\1\2***", url)
    return f"--database {shlex.quote(shown)}"
