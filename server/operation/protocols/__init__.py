"""uvicorn's protocols with limits: what the bytes of a connection reach first.

``http`` reads requests, with ``http_head`` for their heads and ``http_framing`` for the length of
their bodies; ``http_cycle`` passes each to the application, and ``http_connection`` ends
connections. ``stream_connection`` takes those over whose response stays open. ``websocket`` answers
the handshake of a WebSocket and ``open_websocket`` takes over, with ``websocket_frames`` for its
frames, until ``websocket_ending`` ends it. ``lingering``, ``sending`` and ``watched_transport``
deal with clients that go on sending, or stop reading.
"""
