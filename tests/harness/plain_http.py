"""Requests to the tests' own servers, each over a connection of its own.

`httpx.get` reads all certificates of the machine for every request: 60 ms of the processor, for servers without any.
"""

from __future__ import annotations

import httpx

_CLIENT = httpx.Client(verify=False, trust_env=False, timeout=30, limits=httpx.Limits(max_keepalive_connections=0))

get = _CLIENT.get
post = _CLIENT.post
request = _CLIENT.request
