"""The header with which clients ask for the cost of an operation."""

from server.http.request import HttpRequest


def reports_cost(request: HttpRequest) -> bool:
    """Whether a request asks for ``extensions.cost``, by ``GraphQL-Cost: report``."""
    return (request.header(b"graphql-cost") or "").lower() == "report"
