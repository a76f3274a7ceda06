"""The page at ``/``: the console, or if that was not built, links to everything."""

from html import escape
from pathlib import Path
from string import Template

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.http.bundle import Bundle, BundlePage, accepted_codings
from server.http.html_pages import compressed, html_page

_STATIC = Path(__file__).parents[1] / "static"
_TEMPLATE = Template((_STATIC / "start.html").read_text("utf-8"))
_ICON_HEADERS = {"cache-control": "public, max-age=86400", "x-content-type-options": "nosniff"}


def start_page_route(rest_prefix: str, bundle: Bundle) -> Route:
    """Return the route of ``/``."""
    html = _TEMPLATE.substitute(executions=escape(f"{rest_prefix}/executions", quote=True))

    async def start_page(request: Request) -> Response:
        # Relative, so that it works below any path of a proxy.
        page = html_page(bundle.page(BundlePage.CONSOLE, ".") or html)
        accepted = accepted_codings(request.headers.get("accept-encoding", ""))
        return compressed(page) if "gzip" in accepted else page

    return Route("/", start_page)


def icon_route() -> Route:
    """Return the route of the icon, also under the name that browsers try by default."""
    icon = (_STATIC / "favicon.svg").read_bytes()

    async def show_icon(request: Request) -> Response:
        if request.path_params["ending"] not in ("svg", "ico"):
            raise HTTPException(404)
        return Response(icon, headers=_ICON_HEADERS, media_type="image/svg+xml")

    return Route("/favicon.{ending}", show_icon)
