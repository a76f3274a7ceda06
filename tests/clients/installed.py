"""What ``make clients`` installs for tests of clients, and how they run it.

It installs what is for Python always, and what is for Node where npm is. Tests that need it are
left out elsewhere, unless ``REQUIRE_CLIENTS`` or ``REQUIRE_NODE`` is set.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parent
PYTHON = Path(sys.prefix) / "clients" / "bin"
MODULES = FOLDER / "node_modules"
PROGRAMS = MODULES / ".bin"
STRICT_TYPESCRIPT = (
    *("--strict", "--target", "es2022", "--module", "nodenext"),
    *("--lib", "es2022,dom", "--skipLibCheck"),
)

needs_python_clients = pytest.mark.skipif(
    not PYTHON.is_dir() and not os.environ.get("REQUIRE_CLIENTS"),
    reason="generated clients need what make clients installs",
)
needs_node_clients = pytest.mark.skipif(
    not (shutil.which("node") and MODULES.is_dir()) and not os.environ.get("REQUIRE_NODE"),
    reason="these clients need Node and npm: install them, then run make test again",
)


def run(*command: str | Path, **options: Any) -> str:
    """Run a program that must succeed and complain of nothing; what it prints."""
    ran: subprocess.CompletedProcess[str] = subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False, **options
    )
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    return ran.stdout
