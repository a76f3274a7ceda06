"""What this program is called, and how it was started."""

import os
import sys
from pathlib import Path

NAME = "executions-gateway"
"""What the program and its distribution are called."""


def program() -> str:
    """How this program was started, to be typed again before another command."""
    started = sys.argv[0]
    if not started.endswith(".py"):
        return started if os.sep in started else NAME
    python = sys.executable
    here = f"{Path.cwd()}{os.sep}"
    return f"{python.removeprefix(here)} {started}"
