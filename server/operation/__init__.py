"""Running a gateway: settings, processes, sockets, and the protocols that uvicorn speaks.

``settings`` says how; ``serving`` starts the server, with ``workers`` where there are several
processes; ``protocols`` is what a client's bytes meet first.
"""
