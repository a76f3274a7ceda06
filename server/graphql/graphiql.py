"""The GraphiQL page: from the gateway's own bundle, or without one from a CDN."""

import functools
import re

from strawberry.http.ides import get_graphql_ide_html

from server.http.bundle import Bundle, BundlePage

DEFAULT_QUERY = """\
# The newest executions. Press the play button, or Ctrl-Enter, to run it.
# Ctrl-Space completes; the book icon opens the documentation.
query NewestExecutions {
  executions(first: 10) {
    totalCount
    pageInfo {
      hasNextPage
      endCursor
    }
    nodes {
      guid
      agentflowName
      state
      createdOn
    }
  }
}
"""
"""The initial query in the editor of the page from a CDN."""

_ICON = "./favicon.svg"
_EXAMPLE = re.compile(r"(const EXAMPLE_QUERY = `)[^`]*(`;)")
_FROM_CDN = re.compile(r"<(script|link)\s[^>]*\"https://[^>]*>(?:</script>)?\s*")
_NOTICE = """
    <style>
      body { display: flex; flex-direction: column; height: 100vh; }
      #graphiql { flex: 1; min-height: 0; }
      #notice { margin: 0; padding: 0.6rem 1rem; font: 1rem/1.4 system-ui, sans-serif;
        color: #332701; background: #fff3cd; }
    </style>
    <p id="notice" role="note">
      This page loads GraphiQL from a CDN, because the gateway's own was not built, or not yet.
      If it stays empty, your browser can't reach the CDN. With npm and Node 20.19, or 22.12 or
      newer, <code>make run</code> and <code>make console</code> build GraphiQL into the gateway;
      then load this page again. The API itself works either way.
    </p>
    """


def graphiql_page(bundle: Bundle, path: str) -> str:
    """Return the HTML of GraphiQL for the page at ``path``, which may end with a slash."""
    # Relative, so that it works below any path of a proxy.
    up = ".." if path.endswith("/") else "."
    return bundle.page(BundlePage.GRAPHIQL, up) or _page_from_cdn().replace(
        _ICON, f"{up}/favicon.svg"
    )


@functools.cache
def _page_from_cdn() -> str:
    page = get_graphql_ide_html("graphiql").replace(
        "<title>Strawberry GraphiQL</title>",
        f'<title>Executions Gateway: GraphiQL</title><link rel="icon" href="{_ICON}">',
    )
    page = _EXAMPLE.sub(lambda match: f"{match[1]}{DEFAULT_QUERY}{match[2]}", page)
    # Don't store keys that are typed into the headers.
    page = page.replace("shouldPersistHeaders: true", "shouldPersistHeaders: false")
    # Put the notice first: browsers render nothing below scripts that load, or fail for minutes.
    head, body = page.split("<body>", 1)
    from_cdn = "".join(match[0] for match in _FROM_CDN.finditer(head))
    return _FROM_CDN.sub("", head) + "<body>" + _NOTICE + from_cdn + body
