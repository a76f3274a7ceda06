"""Uses a generated client as people do, and prints what it got.

Run by the Python that has what generated clients need; the URL of the REST routes and a key are
its arguments.
"""

import json
import sys
from datetime import UTC, datetime

from executions_client import AuthenticatedClient
from executions_client.api.default import (
    delete_execution,
    delete_executions,
    find_execution,
    find_executions,
    update_execution,
)
from executions_client.models import (
    DeleteExecutionsBody,
    Error,
    ExecutionState,
    ExecutionUpdate,
)


def use(url: str, key: str) -> dict[str, object]:
    """Call every operation and return what came of it."""
    client = AuthenticatedClient(base_url=url, token=key)
    states = [ExecutionState.ERROR, ExecutionState.TIMEOUT]
    page = find_executions.sync_detailed(client=client, state=states, page=2, limit=3)
    at = datetime(2023, 11, 14, 22, 13, 24, tzinfo=UTC)
    refused = find_executions.sync_detailed(client=client, limit=0)
    missing = find_execution.sync(guid="nobody", client=client)
    stranger = AuthenticatedClient(base_url=url, token="egw_nobody")
    return {
        "all": len(find_executions.sync(client=client)),
        "states": sorted(
            {each.state for each in find_executions.sync(client=client, state=states)}
        ),
        "page": len(page.parsed),
        "total": page.headers["x-total-count"],
        "since": len(find_executions.sync(client=client, start_date=at)),
        "on the day": len(
            find_executions.sync(client=client, start_date=at.date(), end_date=at.date())
        ),
        "one": find_execution.sync(guid="guid-01", client=client).to_dict(),
        "missing": missing.code if isinstance(missing, Error) else None,
        "refused": [refused.status_code, refused.parsed.message],
        "unauthenticated": find_executions.sync(client=stranger).code,
        "updated": update_execution.sync(
            guid="guid-01", client=client, body=ExecutionUpdate(state=ExecutionState.STOPPED)
        ).state,
        "deleted": delete_execution.sync(guid="guid-02", client=client).to_dict(),
        "many deleted": delete_executions.sync(
            client=client, body=DeleteExecutionsBody(execution_ids=["guid-03", "guid-04", "nobody"])
        ).affected,
    }


if __name__ == "__main__":
    print(json.dumps(use(*sys.argv[1:])))  # noqa: T201 - the test reads it
