"""Which index should find the rows of a filter, where planners would choose another one.

SQLite knows nothing of how many rows have a value, and takes any column that equals something for
a few. Few executions have an error, and an index has only those.
"""

from db.reading.comparisons import NULL_FAILS
from db.reading.filters import Condition, Filter, conjuncts
from db.reading.workspaces import is_of_workspace
from db.source import ExecutionSource

_FEW = ("guid", "session_id")
"""The fields by which filters usually pick few executions."""
_OF_MANY = ("state", "agentflow_id", "workspace_id")
"""The fields by which filters find many executions, most of them without an error."""


def for_filter(source: ExecutionSource, filter_: Filter) -> ExecutionSource:
    """Return the source for a statement with a filter.

    Its columns let planners choose the index that bounds what is read: of the guids or sessions
    that the filter names, of errors, or of a workspace.
    """
    parts = conjuncts(filter_)
    if any(map(_is_of_few, parts)):
        is_bound = any(map(is_of_workspace, parts))
        return source.off_index("workspace_id") if is_bound else source
    if any(map(is_of_errors, parts)):
        for field in _OF_MANY:
            source = source.off_index(field)
        return source
    return source.off_index("state") if any(map(is_of_workspace, parts)) else source


def is_of_errors(part: Filter) -> bool:
    """Whether a part of a filter can hold only for executions that have an error."""
    return isinstance(part, Condition) and part.field == "error" and part.operator in NULL_FAILS


def _is_of_few(part: Filter) -> bool:
    return isinstance(part, Condition) and part.field in _FEW and part.operator in ("eq", "in")
