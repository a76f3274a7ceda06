"""The GraphQL edge, over HTTP, server-sent events and WebSocket.

A request goes through ``endpoint`` (or ``websocket``), ``request`` (parse its parameters),
``documents`` (find the document it means; ``console_operations`` adds those of the console),
``preparation`` (parse, validate, measure by ``limits``, price by ``cost`` and find the needed
``scopes``, once for a document, which is then ``prepared``), ``lookup`` (find the operation, and
check scopes and cost), ``runner`` (execute) and ``response``.
``runner`` begins ``subscriptions`` too. ``events_endpoint`` answers with server-sent events, those
of a subscription by an ``event_stream``. ``graphiql`` makes the page of GraphiQL.
"""
