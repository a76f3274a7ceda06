"""GraphQL over WebSocket, by the graphql-transport-ws protocol.

A client first meets ``endpoint``, which admits it, then ``connection``, which follows the protocol;
``operations`` runs what it subscribes to.
"""
