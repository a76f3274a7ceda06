"""Limit the size of an operation's variables before any of them is coerced.

Coercion takes microseconds for each value, and a body of a megabyte can hold hundreds of thousands.
"""

from collections.abc import Mapping
from typing import Any

from db.errors import InvalidInput

# Longer than any name in the schema. Error messages repeat names.
_LONGEST_NAME = 256


def count_values(variables: Mapping[str, Any], max_values: int, max_objects: int) -> int:
    """Count the items of lists and the entries of objects, at any depth.

    Raises InvalidInput if there are more than ``max_values`` of them, if they are in more than
    ``max_objects`` objects, or if the name of an entry is longer than any in a schema.
    """
    values = len(variables)
    if values <= max_values and _CONTAINERS.isdisjoint(map(type, variables.values())):
        return values
    objects = 0
    waiting = [value for value in variables.values() if type(value) in _CONTAINERS]
    while waiting and values <= max_values and objects < max_objects:
        container = waiting.pop()
        values += len(container)
        if values > max_values:
            break
        if type(container) is list:
            waiting += [value for value in container if type(value) in _CONTAINERS]
            continue
        objects += 1
        for name, value in container.items():
            if len(name) > _LONGEST_NAME:
                raise InvalidInput(
                    f"variables must have entries with names of at most {_LONGEST_NAME} characters;"
                    f" got one of {len(name):,}"
                )
            if type(value) in _CONTAINERS:
                waiting.append(value)
    if values > max_values:
        raise InvalidInput(
            f"variables must hold at most {max_values} values, those in lists and objects included"
            " (max_input_values); got more",
            limit="max_input_values",
        )
    if waiting and objects >= max_objects:
        raise InvalidInput(
            f"variables must hold at most {max_objects} objects (max_input_objects); got more",
            limit="max_input_objects",
        )
    return values


_CONTAINERS = frozenset({dict, list})
