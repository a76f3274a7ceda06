"""What httpx does, for plain HTTP alone.

Each of its clients, and each call without one, reads the certificates of the system, which takes
longer than most requests.
"""

import ssl
from functools import partial

import httpx

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

get = partial(httpx.get, verify=NO_TLS)
post = partial(httpx.post, verify=NO_TLS)
put = partial(httpx.put, verify=NO_TLS)
stream = partial(httpx.stream, verify=NO_TLS)
