"""uvicorn's protocols, with bounds: what the bytes of a connection meet before any application.

``http`` frames requests itself (``http_head``, ``http_framing``); ``websocket`` ends connections
as their clients expect.
"""
