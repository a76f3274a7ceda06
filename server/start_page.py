"""The page at ``/`` that tells a newcomer where things are."""

from html import escape
from pathlib import Path
from string import Template

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.pages import html_page

_TEMPLATE = Template((Path(__file__).parent / "static" / "start.html").read_text("utf-8"))


def start_page_route(rest_prefix: str) -> Route:
    """``/``, which links to everything."""
    html = _TEMPLATE.substitute(executions=escape(f"{rest_prefix}/executions", quote=True))

    async def start_page(_request: Request) -> Response:
        return html_page(html)

    return Route("/", start_page)
