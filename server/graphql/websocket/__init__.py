"""GraphQL over WebSocket, as the protocol graphql-transport-ws says.

A client meets ``endpoint``, then ``connection``, which keeps to the protocol; ``operations`` runs
what it subscribes to.
"""
