"""The build of the browser side in ``static/console``: two pages, and the assets of both.

The names of assets contain a hash of their content, so browsers may cache them forever. Assets that
get smaller by it are also there compressed, as ``name.br`` and ``name.gz``.
"""

import enum
import re
from html import escape
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

FOLDER = Path(__file__).parents[1] / "static" / "console"
"""The folder of the bundle, in a build and in a wheel."""

ASSETS_PATH = "/assets"
"""The path below which assets are served."""

# Without slashes and leading dots, so that no name leads out of the folder.
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,200}")
_MEDIA_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
}
_SUFFIXES = {"br": ".br", "gzip": ".gz"}
_HEADERS = {
    "cache-control": "public, max-age=31536000, immutable",
    "vary": "Accept-Encoding",
    "x-content-type-options": "nosniff",
}


class BundlePage(enum.StrEnum):
    """A page of the bundle, with the name of its file."""

    CONSOLE = "index.html"
    GRAPHIQL = "graphiql.html"


class Bundle:
    """The bundle in a folder, which may not exist, or not yet.

    ``rest_prefix`` is the path before the REST routes.
    """

    def __init__(self, folder: Path, rest_prefix: str = "") -> None:
        self._folder = folder
        self._rest = escape(f"{rest_prefix}/executions", quote=True)
        self._assets = folder / "assets"

    def page(self, page: BundlePage, root: str) -> str | None:
        """Return the HTML of a page, or None if it was not built.

        ``root`` is the URL of ``/`` without its trailing slash, as seen from where the page is, for
        its links.
        """
        try:
            # Read each time, so that a build that finishes while the gateway runs shows at once.
            html = (self._folder / page).read_text("utf-8")
        except FileNotFoundError:
            return None
        html = html.replace('="./favicon.svg"', f'="{root}/favicon.svg"')
        html = html.replace('="./executions"', f'="{root}{self._rest}"')
        return html.replace('="./assets/', f'="{root}{ASSETS_PATH}/')

    def route(self) -> Route:
        """Return the route of the assets."""
        return Route(f"{ASSETS_PATH}/{{name}}", self._asset)

    async def _asset(self, request: Request) -> Response:
        name = request.path_params["name"]
        media_type = _MEDIA_TYPES.get(Path(name).suffix)
        file = self._assets / name
        if not _NAME.fullmatch(name) or media_type is None or not file.is_file():
            raise HTTPException(404)
        for coding in accepted_codings(request.headers.get("accept-encoding", "")):
            shorter = file.with_name(name + _SUFFIXES[coding])
            if shorter.is_file():
                headers = {**_HEADERS, "content-encoding": coding}
                return FileResponse(shorter, headers=headers, media_type=media_type)
        return FileResponse(file, headers=_HEADERS, media_type=media_type)


def accepted_codings(accept: str) -> list[str]:
    """Return which of our codings an Accept-Encoding header accepts (RFC 9110, 12.5.3)."""
    weights: dict[str, bool] = {}
    for part in accept.lower().split(","):
        coding, *parameters = (piece.strip() for piece in part.split(";"))
        weights[coding] = not any(re.fullmatch(r"q=0(\.0*)?", each) for each in parameters)
    return [coding for coding in _SUFFIXES if weights.get(coding, weights.get("*", False))]
