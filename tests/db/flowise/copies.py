"""A copy of an attached file, for each example of a test that draws them."""

import shutil
from pathlib import Path


def copied(path: Path) -> Path:
    """Copy a file that nobody uses, over an earlier copy."""
    copy = Path(shutil.copy(path, path.with_name("copied.db")))
    for suffix in ("-wal", "-shm"):
        copy.with_name(f"copied.db{suffix}").unlink(missing_ok=True)
    return copy
