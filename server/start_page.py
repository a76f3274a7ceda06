"""The page at ``/`` that tells a newcomer where things are."""

from html import escape
from pathlib import Path
from string import Template

_TEMPLATE = Template((Path(__file__).parent / "static" / "start.html").read_text("utf-8"))


def start_page(rest_prefix: str) -> str:
    """The HTML of the start page."""
    return _TEMPLATE.substitute(executions=escape(f"{rest_prefix}/executions", quote=True))
