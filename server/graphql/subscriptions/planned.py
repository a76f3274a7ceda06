"""What a subscription asks for: which events, from where, and what is told of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from db.reading.filters import Filter
from db.reading.workspaces import Workspace
from resolvers.context import Context
from resolvers.plans import Plan, Planner
from resolvers.selections import NotPlannable
from server.graphql.subscriptions.encoder import EventEncoder
from server.http.json_text import write_json


@dataclass(frozen=True, slots=True)
class PlannedEvents:
    """The events that a subscription asks for; ``after`` is a cursor, which is not checked yet.

    ``key`` is the response key of the root field.
    """

    key: str
    filter: Filter
    after: str | None
    encoder: EventEncoder

    @classmethod
    def of(
        cls,
        plan: Plan | None,
        planner: Planner,
        variables: Mapping[str, Any],
        context: Context,
        most_at_once: int,
    ) -> "PlannedEvents":
        """Read the arguments of a subscription from the variables that were sent.

        ``most_at_once`` is how many events it may cost at a time.

        Raises NotPlannable, or another exception if an argument is invalid.
        """
        if plan is None:
            raise NotPlannable(planner.reason(variables))
        values = plan.checked_variables(context, variables)
        [root] = plan.roots
        arguments = plan.checked_arguments(root, values, context)
        # Subscriptions that differ in their filters alone share what is encoded.
        below = {name: variables[name] for name in _in_order(planner, variables)}
        key = id(plan), write_json(below)
        needed = {name: values[name] for name in _in_order(planner, values)}
        encoder = EventEncoder(plan, needed, context, key, most_at_once)
        filter_ = Workspace(context.workspace).only(arguments.filter(context.max_ids))
        return cls(root.key, filter_, arguments.given.get("after"), encoder)


def _in_order(planner: Planner, variables: Mapping[str, Any]) -> list[str]:
    """The names of the variables on which the selection depends, if they are given."""
    return sorted(planner.variables_below_root & variables.keys())
