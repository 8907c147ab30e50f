"""Requests from one of our processes to another, with answers: over a Unix socket, and over Redis.

A request and its answer are bytes here; what they mean is the caller's. Each request has a size limit and a time limit,
and a server does not execute a request after its client has gone.
"""

from rider_core.rpc.redis_client import RedisClient
from rider_core.rpc.redis_server import RedisServer
from rider_core.rpc.socket_client import ask_socket
from rider_core.rpc.socket_server import SocketServer

__all__ = ["RedisClient", "RedisServer", "SocketServer", "ask_socket"]
