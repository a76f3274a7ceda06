"""The program's name, and the command that started it."""

import os
import sys
from pathlib import Path

NAME = "executions-gateway"
"""The name of the program and of its distribution."""


def program() -> str:
    """Return the command that started this program, for messages that suggest another command."""
    started = sys.argv[0]
    if not started.endswith(".py"):
        return started if os.sep in started else NAME
    python = sys.executable
    here = f"{Path.cwd()}{os.sep}"
    return f"{python.removeprefix(here)} {started}"
