"""HTML pages, with headers that protect their readers."""

import base64
import functools
import gzip
import hashlib
import re

from starlette.responses import HTMLResponse

_INLINE_SCRIPT = re.compile(r"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)
_INLINE_STYLE = re.compile(r"<style[^>]*>(.*?)</style>", re.DOTALL)
_HOST = re.compile(r"(?:src|href)=\"(https://[^/\"]+)/")


def html_page(html: str, *, adds_styles: bool = False) -> HTMLResponse:
    """Return a page, with a content security policy for exactly its contents.

    ``adds_styles`` says that its scripts add styles to it.
    """
    return HTMLResponse(
        html,
        headers={
            "content-security-policy": _policy(html, adds_styles=adds_styles),
            "x-content-type-options": "nosniff",
            "x-frame-options": "DENY",
            "referrer-policy": "no-referrer",
            "cross-origin-opener-policy": "same-origin",
            "permissions-policy": "camera=(), geolocation=(), microphone=()",
            # It names assets, which an upgrade replaces.
            "cache-control": "no-cache",
            "vary": "Accept, Accept-Encoding",
        },
    )


def compressed(page: HTMLResponse) -> HTMLResponse:
    """Return a page in gzip, for a client that accepts it."""
    body = _gzip(bytes(page.body))
    headers = {**page.headers, "content-encoding": "gzip", "content-length": str(len(body))}
    made = HTMLResponse(headers=headers)
    made.body = body
    return made


# There are few pages, which take half a millisecond each.
@functools.lru_cache(8)
def _gzip(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)


def _policy(html: str, *, adds_styles: bool) -> str:
    hosts = sorted(set(_HOST.findall(html)))
    scripts = " ".join(["'self'", *map(_hash, _INLINE_SCRIPT.findall(html)), *hosts])
    # Browsers ignore 'unsafe-inline' beside a hash.
    inline = ["'unsafe-inline'"] if adds_styles else map(_hash, _INLINE_STYLE.findall(html))
    styles = " ".join(["'self'", *inline, *hosts])
    fonts = " ".join(["'self'", "data:", *hosts])
    # A text that becomes code by mistake is refused too; GraphiQL's packages have not got that far.
    trusting = () if adds_styles else ("require-trusted-types-for 'script'", "trusted-types 'none'")
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {scripts}",
            f"style-src {styles}",
            f"font-src {fonts}",
            "img-src 'self' data:",
            " ".join(["connect-src 'self'", *hosts]),
            "worker-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'none'",
            *trusting,
        )
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
