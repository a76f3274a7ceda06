"""The GraphQL edge, over HTTP, server-sent events and WebSocket.

A request goes through ``endpoint`` (or ``websocket``), ``request`` (parse its parameters),
``documents`` (find the document it means), ``preparation`` (parse, validate, measure by ``limits``,
price by ``cost`` and find the needed ``scopes``, once for a document, which is then ``prepared``),
``runner`` (check scopes and cost, and execute) and ``response``. ``graphiql`` serves the page of
GraphiQL from its ``bundle``.
"""
