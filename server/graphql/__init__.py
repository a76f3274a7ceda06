"""GraphQL over HTTP, server-sent events and WebSocket.

A request meets ``endpoint`` (or ``websocket``), ``request`` (its parameters), ``documents`` (the
text that it means), ``preparation`` (parsed, validated, measured by ``limits`` and priced by
``cost``, once for a document), ``runner`` (scopes, cost, execution) and ``response``.
"""
