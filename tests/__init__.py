"""The specification of the gateway, told by a running one.

- `db/`, `schema/`, `resolvers/`, `server/…` and `console/` test the rooms of the same names.
  What concerns several rooms of the server stands in `server/` itself, and what concerns the
  repository (Makefile, wheel, image, imports) here.
- `faults/` runs the gateway as a program that is killed, filled up, cut off and overrun.
- `flowise/` is the program of `make flowise`: the real Flowise, with the gateway in front of it.
  `flowise_tables.py` makes Flowise's tables in other tests, `flowise_dump.py` compares databases,
  with `catalog.py` for what is defined in one of PostgreSQL.
- `reference/` is a second, slow implementation of the API, with which the gateway is compared.
- `workspaces/` asks everything with a key that is bound to a workspace, in two worlds.
- `waiting.py` waits for facts in loops of asyncio, and `faults/programs.py` outside of them.
- `gateway.py` starts a gateway in the test's process; `places.py` makes its database, on SQLite or
  PostgreSQL; `sample.py` has the rows of most tests. `conftest.py` offers all three as fixtures.
- `poolers.py` and `standbys.py` start pgbouncer and streaming replicas; `raw_websocket.py` and
  `plain_http.py` are clients; `statements.py` watches the SQL; `examples.py` says how many to draw.
- `filter_cases.py` is the table of filters that `db`, GraphQL and REST are held to alike.
- `audits/` and `clients/` are programs of npm and pip that other tests run; `protocols/` are tables
  of cases that any server can be run through; `data/` has files.

Tests marked `sqlite` or `postgres` are about one database; `make test` leaves out those marked
`load`.
"""
