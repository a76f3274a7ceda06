"""A second opinion: what the gateway must answer, worked out in plain Python over a list of rows.

``executor`` runs an operation with graphql-core alone, over the types of ``objects``,
``statistics``, ``queries`` and ``mutations``, unless ``faults`` finds what is wrong with its
arguments by the ``checks`` of their fields. ``drawing`` draws operations from the schema, and
``comparing`` sends them to a gateway and compares the answers byte for byte. Nothing here knows
SQL, or how the gateway works.
"""

from tests.reference.filters import GraphQLFilter, matches
from tests.reference.orders import comparison, ordered

__all__ = ["GraphQLFilter", "comparison", "matches", "ordered"]
