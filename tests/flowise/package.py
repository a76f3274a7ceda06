"""Install Flowise from npm into a folder of its own."""

import os
import shutil
import subprocess
from pathlib import Path

NEW, OLD = "flowise", "flowise-old"
VERSIONS = {NEW: "3.1.4", OLD: "3.0.0"}
"""Flowise's packages by the names they are installed under: an upgrade goes from OLD to NEW."""


def install(folder: Path) -> Path:
    """Install both versions, unless they are there; return the folder of packages.

    They share what they depend on. Scripts are not run, as that of faiss-node downloads and builds
    for minutes what no agentflow here needs; SQLite's driver is then built or downloaded alone.
    """
    packages = folder / "node_modules"
    if (packages / "sqlite3" / "build").exists():
        return packages
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text('{"name": "flowise-and-gateway", "private": true}')
    named = [f"{name}@npm:flowise@{version}" for name, version in VERSIONS.items()]
    # Flowise's own dependencies disagree about their peers, and newer ones ask for a newer Node.
    _npm(folder, "install", *named, "--ignore-scripts", "--legacy-peer-deps")
    _npm(folder, "rebuild", "sqlite3")
    return packages


def _npm(folder: Path, *arguments: str) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("npm is missing: Flowise is an npm package")
    quiet = ("--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error")
    environment = os.environ | {"PUPPETEER_SKIP_DOWNLOAD": "true"}
    subprocess.run([npm, *arguments, *quiet], cwd=folder, env=environment, check=True)
