"""What a response shows of the content of an execution."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from db.contents.json_text import NotJson, TooManyParts
from db.contents.steps import Efforts, NoSteps, Step, check_steps, read_steps
from db.texts import shown

# Flowise's contents name the credentials that its nodes use, by their ids.
_CREDENTIAL = '"FLOWISE_CREDENTIAL_ID"'
_credentials = re.compile(rf'({_CREDENTIAL}[ \t\n\r]*+:[ \t\n\r]*+)"[^"\\]*+(?:\\.[^"\\]*+)*+"')


class ShownContent(NamedTuple):
    """The content of an execution: as JSON text, and its steps.

    ``problem`` says why one of the two is missing although the engine recorded data.
    """

    data: str | None = None
    steps: Sequence[Step] = ()
    problem: str | None = None


def show(text: str, most_steps: int | None, efforts: Efforts) -> ShownContent:
    """Read a content, with its steps if they are not more than ``most_steps``."""
    text = shown(text)
    if _CREDENTIAL in text:
        text = _credentials.sub(r"\1null", text)
    try:
        if most_steps is None:
            check_steps(text, efforts)
            return ShownContent(text)
        return ShownContent(text, read_steps(text, most_steps, efforts))
    except NotJson as error:
        return ShownContent(problem=f"It is no JSON: {error}")
    except NoSteps as error:
        return ShownContent(text, problem=f"Its steps can't be shown: {error}")
    except TooManyParts as error:
        return ShownContent(problem=f"It takes too long to read: {error}")
