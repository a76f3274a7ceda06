"""Run a gateway: settings, processes, sockets, and uvicorn's protocols.

``settings`` reads the configuration, with ``durations`` such as 30d. ``serving`` starts the server
on the sockets that ``listening`` binds; ``workers`` supervises several processes. A client's bytes
first reach ``protocols``, whose connections ``connections`` limits and times out. In the
background, in ``rounds``, ``maintenance`` deletes old executions and times out stuck ones,
``event_retention`` deletes old events, and ``attachment_watch`` sees to an attached Flowise.
"""
