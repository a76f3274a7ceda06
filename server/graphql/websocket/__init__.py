"""GraphQL over WebSocket, by the graphql-transport-ws protocol.

A client first meets ``endpoint``, which admits it, then ``connection``, which follows the protocol
with its ``messages`` and ``close_codes``. ``operations`` runs what it subscribes to, and
``streams`` deliver the events of subscriptions. All of it is written to a ``wire``, which our
server offers; ``over_asgi`` makes one of ASGI's messages.
"""
