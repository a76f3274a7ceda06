"""One table of filters, written as GraphQL variables, that every way to filter must agree on.

``rest`` is the same filter in the REST parameters, where those can say it.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from db.reading.filters import AllOf, AnyOf, Condition, Filter, Not
from tests.reference import GraphQLFilter


@dataclass(frozen=True)
class Case:
    """A filter and how the REST parameters say it, if they can."""

    name: str
    graphql: GraphQLFilter
    rest: dict[str, str] | None = None


_EARLY = "2023-11-14T22:13:20.000Z"
_MIDDLE = "2023-11-14T22:13:24.000Z"
_MIDDLE_MS = "1700000004000"
_GUIDS = ["guid-07", "guid-14", "guid-21", "nobody"]


def _not(part: Any) -> Any:
    return {"not": part}


CASES = [
    Case("no filter at all", None, {}),
    Case("an empty filter", {}, {"guid": "", "state": "", "startDate": "", "endDate": ""}),
    Case("guid equals", {"guid": {"eq": "guid-07"}}, {"guid": "guid-07"}),
    Case("guid with odd characters", {"guid": {"eq": "guid-00 /%é'\""}}, {"guid": "guid-00 /%é'\""}),
    Case("guid equals nobody's", {"guid": {"eq": "nobody"}}, {"guid": "nobody"}),
    Case("guid in another case", {"guid": {"eq": "GUID-07"}}, {"guid": "GUID-07"}),
    Case("guid that is a part of others", {"guid": {"eq": "guid-"}}, {"guid": "guid-"}),
    Case("guid with a wildcard", {"guid": {"eq": "guid-%"}}, {"guid": "guid-%"}),
    Case("guid is the empty text", {"guid": {"eq": ""}}),
    Case("guid in a list", {"guid": {"in": _GUIDS}}),
    Case("guid in an empty list", {"guid": {"in": []}}),
    Case("guid in a list with one twice", {"guid": {"in": ["guid-07", "guid-07"]}}),
    Case("guid not in a list", {"guid": {"notIn": _GUIDS}}),
    Case("guid not in an empty list", {"guid": {"notIn": []}}),
    Case("guid is null", {"guid": {"isNull": True}}),
    Case("guid is not null", {"guid": {"isNull": False}}),
    Case("guid with no condition in it", {"guid": {}}),
    Case("guid with null conditions", {"guid": {"eq": None, "in": None, "isNull": None}}),
    Case("guid condition that is null", {"guid": None}),
    Case("guid equals and in", {"guid": {"eq": "guid-07", "in": _GUIDS}}),
    Case("guid equals and not in", {"guid": {"eq": "guid-07", "notIn": _GUIDS}}),
    Case("agentflow equals", {"agentflowId": {"eq": "flow-a"}}, {"agentflowId": "flow-a"}),
    Case("agentflow that is gone", {"agentflowId": {"eq": "flow-gone"}}, {"agentflowId": "flow-gone"}),
    Case("agentflow in a list", {"agentflowId": {"in": ["flow-a", "flow-gone"]}}),
    Case("agentflow not in a list", {"agentflowId": {"notIn": ["flow-a", "flow-b"]}}),
    Case("session equals", {"sessionId": {"eq": "session-1"}}, {"sessionId": "session-1"}),
    Case("session is null", {"sessionId": {"isNull": True}}),
    Case("session is not null", {"sessionId": {"isNull": False}}),
    Case("session not in a list keeps those without one", {"sessionId": {"notIn": ["session-1"]}}),
    Case("session not equal keeps those without one", _not({"sessionId": {"eq": "session-1"}})),
    Case("session not not in a list", _not({"sessionId": {"notIn": ["session-1"]}})),
    Case("session is null and equals", {"sessionId": {"isNull": True, "eq": "session-1"}}),
    Case("name contains", {"agentflowName": {"contains": "agent"}}, {"agentflowName": "agent"}),
    Case("name contains in another case", {"agentflowName": {"contains": "AGENT"}}, {"agentflowName": "AGENT"}),
    Case("name contains an umlaut in another case", {"agentflowName": {"contains": "ärger"}}, {"agentflowName": "ärger"}),
    Case("name contains sharp s as ss", {"agentflowName": {"contains": "GRÖSSE"}}, {"agentflowName": "GRÖSSE"}),
    Case("name contains Cyrillic in another case", {"agentflowName": {"contains": "оТЧЁТ"}}, {"agentflowName": "оТЧЁТ"}),
    Case("name contains a script without case", {"agentflowName": {"contains": "日本"}}, {"agentflowName": "日本"}),
    Case("name contains a percent sign", {"agentflowName": {"contains": "%"}}, {"agentflowName": "%"}),
    Case("name contains an underscore", {"agentflowName": {"contains": "_"}}, {"agentflowName": "_"}),
    Case("name contains what would be a pattern", {"agentflowName": {"contains": "s%t"}}, {"agentflowName": "s%t"}),
    Case("name contains a backslash", {"agentflowName": {"contains": "\\"}}, {"agentflowName": "\\"}),
    Case("name contains a quote", {"agentflowName": {"contains": "' OR 1=1 --"}}, {"agentflowName": "' OR 1=1 --"}),
    Case("name contains the empty text", {"agentflowName": {"contains": ""}}),
    Case("name contains, case counting", {"agentflowName": {"contains": "agent", "caseSensitive": True}}),
    Case("name equals", {"agentflowName": {"eq": "support agent"}}),
    Case("name equals, case counting", {"agentflowName": {"eq": "Support agent", "caseSensitive": True}}),
    Case("name in a list", {"agentflowName": {"in": ["SUPPORT AGENT", "ärger und grösse"]}}),
    Case("name in a list, case counting", {"agentflowName": {"in": ["SUPPORT AGENT", "support AGENT"], "caseSensitive": True}}),
    Case("name in an empty list", {"agentflowName": {"in": []}}),
    Case("name starts with", {"agentflowName": {"startsWith": "SUPPORT"}}),
    Case("name starts with, case counting", {"agentflowName": {"startsWith": "support", "caseSensitive": True}}),
    Case("name starts with what it has in the middle", {"agentflowName": {"startsWith": "agent"}}),
    Case("name starts with and contains", {"agentflowName": {"startsWith": "1", "contains": "OF_"}}),
    Case("name with case sensitivity alone", {"agentflowName": {"caseSensitive": True}}),
    Case("name does not contain keeps flows that are gone", _not({"agentflowName": {"contains": "agent"}})),
    Case("state equals", {"state": {"eq": "ERROR"}}, {"state": "ERROR"}),
    Case("state in a list", {"state": {"in": ["ERROR", "STOPPED"]}}, {"state": "ERROR,STOPPED"}),
    Case("state in a list of one", {"state": {"in": ["TIMEOUT"]}}, {"state": "TIMEOUT"}),
    Case("state in all six", {"state": {"in": ["INPROGRESS", "FINISHED", "ERROR", "TERMINATED", "TIMEOUT", "STOPPED"]}}),
    Case("state in an empty list", {"state": {"in": []}}),
    Case("state not in a list", {"state": {"notIn": ["ERROR", "FINISHED"]}}),
    Case("state not in an empty list", {"state": {"notIn": []}}),
    Case("state in and not in", {"state": {"in": ["ERROR", "FINISHED"], "notIn": ["ERROR"]}}),
    Case("created later than", {"createdOn": {"gt": _MIDDLE}}),
    Case("created at or later than", {"createdOn": {"gte": _MIDDLE}}, {"startDate": _MIDDLE}),
    Case("created earlier than", {"createdOn": {"lt": _MIDDLE}}),
    Case("created at or earlier than", {"createdOn": {"lte": _MIDDLE}}, {"endDate": _MIDDLE_MS}),
    Case("created in one millisecond", {"createdOn": {"gte": _MIDDLE, "lte": _MIDDLE}}, {"startDate": _MIDDLE_MS, "endDate": _MIDDLE}),
    Case("created half a millisecond later than or at", {"createdOn": {"gte": "2023-11-14T22:13:24.000500Z"}}, {"startDate": "2023-11-14T22:13:24.000500"}),
    Case("created earlier than half a millisecond later", {"createdOn": {"lt": "2023-11-14T22:13:24.000500Z"}}),
    Case("created later than half a millisecond earlier", {"createdOn": {"gt": "2023-11-14T22:13:23.999500Z"}}),
    Case("created at or earlier than half a millisecond earlier", {"createdOn": {"lte": "2023-11-14T22:13:23.999500Z"}}, {"endDate": "2023-11-14T22:13:23.9995Z"}),
    Case("created in no time at all", {"createdOn": {"gt": _MIDDLE, "lt": _MIDDLE}}),
    Case("created with an offset", {"createdOn": {"gte": "2023-11-15T00:13:24+02:00"}}, {"startDate": "2023-11-15T00:13:24+02:00"}),
    Case("created on one day", {"createdOn": {"gte": "2023-11-14T00:00:00Z", "lt": "2023-11-15T00:00:00Z"}}, {"startDate": "2023-11-14", "endDate": "2023-11-14"}),
    Case("created on the day after", {"createdOn": {"gte": "2023-11-15T00:00:00Z", "lt": "2023-11-16T00:00:00Z"}}, {"startDate": "2023-11-15", "endDate": "2023-11-15"}),
    Case("created before the year 2", {"createdOn": {"lt": "0001-01-01T00:00:00+14:00"}}),
    Case("created after the year 9998", {"createdOn": {"gt": "9999-12-31T23:59:59.999999-12:00"}}),
    Case("updated later than", {"updatedOn": {"gt": _MIDDLE}}),
    Case("updated between", {"updatedOn": {"gte": _EARLY, "lt": _MIDDLE}}),
    Case("finished later than", {"finishedOn": {"gt": _MIDDLE}}),
    Case("finished between", {"finishedOn": {"gte": _EARLY, "lt": _MIDDLE}}),
    Case("finished after the year 9998", {"finishedOn": {"gt": "9999-12-31T23:59:59.999999-12:00"}}),
    Case("not finished later than keeps those in progress", _not({"finishedOn": {"gt": _MIDDLE}})),
    Case("finished with no condition in it", {"finishedOn": {}}),
    Case("took longer than a minute", {"durationMs": {"gt": 60_000}}),
    Case("took a second at most", {"durationMs": {"lte": 1000}}),
    Case("took exactly half a second", {"durationMs": {"gte": 500, "lte": 500}}),
    Case("ended before it began", {"durationMs": {"lt": 0}}),
    Case("took more than any does", {"durationMs": {"gt": 2**53}}),
    Case("took less than 2^53", {"durationMs": {"lt": 2**53}}),
    Case("took more than -2^53", {"durationMs": {"gte": -(2**53)}}),
    Case("not longer than half a second keeps those in progress", _not({"durationMs": {"gt": 500}})),
    Case("finished lately and fast", {"finishedOn": {"gte": _MIDDLE}, "durationMs": {"lt": 1000}}),
    Case("finished lately or fast", {"or": [{"finishedOn": {"gte": _MIDDLE}}, {"durationMs": {"lt": 1000}}]}),
    Case("workspace equals", {"workspaceId": {"eq": "workspace-1"}}),
    Case("workspace in a list", {"workspaceId": {"in": ["workspace-1", "workspace-9"]}}),
    Case("workspace is null", {"workspaceId": {"isNull": True}}),
    Case("workspace is not null", {"workspaceId": {"isNull": False}}),
    Case("workspace not in a list keeps those without one", {"workspaceId": {"notIn": ["workspace-1"]}}),
    Case("workspace not equal keeps those without one", _not({"workspaceId": {"eq": "workspace-1"}})),
    Case("error contains", {"error": {"contains": "broke"}}),
    Case("error contains in another case", {"error": {"contains": "überschritten"}}),
    Case("error contains, case counting", {"error": {"contains": "broke", "caseSensitive": True}}),
    Case("error contains the empty text", {"error": {"contains": ""}}),
    Case("error contains what would be a pattern", {"error": {"contains": "%_"}}),
    Case("error equals", {"error": {"eq": "it broke"}}),
    Case("error in a list", {"error": {"in": ["IT BROKE", "nothing"]}}),
    Case("error starts with", {"error": {"startsWith": "IT"}}),
    Case("error with no condition in it", {"error": {}}),
    Case("error does not contain keeps those without one", _not({"error": {"contains": "broke"}})),
    Case("error or workspace", {"or": [{"error": {"contains": "again"}}, {"workspaceId": {"eq": "workspace-0"}}]}),
    Case("error in a state of a workspace", {"error": {"contains": "b"}, "workspaceId": {"eq": "workspace-1"}, "state": {"in": ["ERROR", "FINISHED"]}}),
    Case("several fields", {"state": {"in": ["ERROR", "FINISHED"]}, "agentflowId": {"eq": "flow-b"}}, {"state": "ERROR,FINISHED", "agentflowId": "flow-b"}),
    Case("every REST field", {"guid": {"eq": "guid-07"}, "agentflowId": {"eq": "flow-b"}, "agentflowName": {"contains": "größe"}, "sessionId": {"eq": "session-1"}, "state": {"eq": "STOPPED"}, "createdOn": {"gte": _EARLY, "lte": _MIDDLE}}, {"guid": "guid-07", "agentflowId": "flow-b", "agentflowName": "größe", "sessionId": "session-1", "state": "STOPPED", "startDate": _EARLY, "endDate": _MIDDLE}),
    Case("and of two", {"and": [{"state": {"eq": "ERROR"}}, {"sessionId": {"isNull": True}}]}),
    Case("and of nothing", {"and": []}),
    Case("and that is null", {"and": None}),
    Case("and with an empty filter", {"and": [{}, {"state": {"eq": "ERROR"}}]}),
    Case("or of two", {"or": [{"state": {"eq": "ERROR"}}, {"sessionId": {"isNull": True}}]}),
    Case("or of nothing", {"or": []}),
    Case("or that is null", {"or": None, "state": {"eq": "ERROR"}}),
    Case("or with an empty filter", {"or": [{}, {"state": {"eq": "ERROR"}}]}),
    Case("or beside a field", {"state": {"eq": "ERROR"}, "or": [{"agentflowId": {"eq": "flow-a"}}, {"agentflowId": {"eq": "flow-c"}}]}),
    Case("not of a field", _not({"state": {"eq": "ERROR"}})),
    Case("not of nothing", _not({})),
    Case("not of not", _not(_not({"sessionId": {"eq": "session-2"}}))),
    Case("not of or", _not({"or": [{"state": {"eq": "ERROR"}}, {"sessionId": {"eq": "session-0"}}]})),
    Case("not of and over a null", _not({"and": [{"sessionId": {"eq": "session-0"}}, {"agentflowName": {"contains": "s"}}]})),
    Case("not that is null", {"not": None}),
    Case("deep inside", _not({"and": [{"or": [_not({"and": [{"or": [{"state": {"eq": "ERROR"}}]}]})]}]})),
    Case("a thousand values", {"guid": {"in": [f"guid-{number:02d}" for number in range(1000)]}}),
]  # fmt: skip


def db_filter(given: GraphQLFilter) -> Filter:
    """Say a filter that is written as GraphQL variables in the terms of ``db``."""
    parts: list[Filter] = []
    for name, value in (given or {}).items():
        if value is None:
            continue
        if name == "not":
            parts.append(Not(db_filter(value)))
        elif name in ("and", "or"):
            joined = tuple(db_filter(part) for part in value)
            parts.append(AllOf(joined) if name == "and" else AnyOf(joined))
        else:
            parts.extend(_conditions(name, value))
    return AllOf(tuple(parts))


def _conditions(name: str, given: dict[str, Any]) -> list[Condition]:
    ignore_case = name in ("agentflowName", "error") and not given.get("caseSensitive")
    found = []
    for operator, value in given.items():
        if value is None or operator == "caseSensitive":
            continue
        if isinstance(value, list):
            value = tuple(value)  # noqa: PLW2901
        elif name.endswith("On"):
            value = datetime.fromisoformat(value)  # noqa: PLW2901
        found.append(Condition(_snake(name), _snake(operator), value, ignore_case))
    return found


def _snake(name: str) -> str:
    return re.sub("([A-Z])", lambda match: f"_{match[1].lower()}", name)
