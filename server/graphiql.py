"""GraphiQL for browsers."""

import functools
import re

from strawberry.http.ides import get_graphql_ide_html

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
"""What a newcomer finds in the editor."""

_EXAMPLE = re.compile(r"(const EXAMPLE_QUERY = `)[^`]*(`;)")


@functools.cache
def graphiql_page() -> str:
    """The HTML of Strawberry's GraphiQL, with a query that shows something at once."""
    page = get_graphql_ide_html("graphiql").replace(
        "<title>Strawberry GraphiQL</title>", "<title>Executions Gateway: GraphiQL</title>"
    )
    return _EXAMPLE.sub(lambda match: f"{match[1]}{DEFAULT_QUERY}{match[2]}", page)
