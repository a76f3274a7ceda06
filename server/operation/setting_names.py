"""Reject misspelt names of settings, which would otherwise have no effect."""

import difflib
import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from dotenv import dotenv_values

from db.errors import InvalidInput

PREFIX = "GATEWAY_"
# Kubernetes sets these for a Service that is named gateway, unless enableServiceLinks is false.
_KUBERNETES = re.compile(r"GATEWAY_(SERVICE_(HOST|PORT)(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_\w+)?)")


def refuse_unknown_names(
    known: Collection[str], environment: Mapping[str, str], env_file: Path
) -> None:
    """Raise InvalidInput if a name with the prefix is not a setting, and suggest the nearest one.

    ``known`` are the names of the settings in lower case, without the prefix.
    """
    sources = ((environment, "the environment"), (read_env_file(env_file), str(env_file)))
    wrong = [
        _message(name, known, source)
        for names, source in sources
        for name in _unknown(names, known)
    ]
    if wrong:
        raise InvalidInput("; ".join(wrong))


def read_env_file(path: Path) -> Mapping[str, str | None]:
    """Return the variables of a file such as ``.env``; none if it does not exist.

    Raises InvalidInput if it can't be read.
    """
    if not path.is_file():
        return {}
    try:
        return dotenv_values(path, encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"{path} can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InvalidInput(f"{path} must be text in UTF-8") from None


def _unknown(names: Iterable[str], known: Collection[str]) -> list[str]:
    return sorted(
        name
        for name in names
        if (upper := name.upper()).startswith(PREFIX)
        and upper.removeprefix(PREFIX).lower() not in known
        and not _KUBERNETES.fullmatch(upper)
    )


def _message(name: str, known: Collection[str], source: str) -> str:
    near = difflib.get_close_matches(name.upper().removeprefix(PREFIX).lower(), known, n=1)
    hint = f"did you mean {PREFIX}{near[0].upper()}?" if near else "README.md lists the settings"
    return f"{name} in {source} is not a setting; {hint}"
