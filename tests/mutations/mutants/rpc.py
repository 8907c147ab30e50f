"""Requests to other processes, over sockets and over Redis."""

from __future__ import annotations

from mutants.mutant import Mutant

MUTANTS = [
    Mutant(
        "a request that its client has given up is executed from Redis",
        "rider_core/rpc/redis_server.py",
        "        if left_s > 0:\n            self._send(",
        "        if True:\n            self._send(",
        ("tests/rpc/test_redis_requests.py", "test_a_server_that_was_suspended_does_not_execute_an_expired_request"),
    ),
    Mutant(
        "a request of a client that ended waits for ever",
        "rider_core/rpc/redis_client.py",
        ", px=max(1, round(limit_s * 1000))",
        "",
        ("tests/rpc/test_redis_requests.py", "test_a_request_that_expired"),
    ),
    Mutant(
        "a request is executed twice",
        "rider_core/rpc/redis_server.py",
        "            pipeline.delete(key)\n",
        "            pipeline.exists(key)\n",
        ("tests/rpc/test_redis_requests.py", "test_the_same_id_twice"),
    ),
    Mutant(
        "the number of requests that wait in Redis is unlimited",
        "rider_core/rpc/redis_client.py",
        "            pipeline.ltrim(waiting, -MAX_WAITING, -1)\n",
        "",
        ("tests/rpc/test_redis_requests.py", "test_the_list_is_bounded"),
    ),
    Mutant(
        "requests that no server takes stay in Redis",
        "rider_core/rpc/redis_client.py",
        "            pipeline.pexpire(waiting, FORGET_MS)\n",
        "",
        ("tests/rpc/test_redis_requests.py", "test_the_list_is_bounded"),
    ),
    Mutant(
        "a request that waits for the robot holds up others",
        "rider_core/rpc/handling.py",
        "        threading.Thread(target=self._run, args=(work,), name=self._name, daemon=True).start()\n",
        "        self._run(work)\n",
        ("tests/rpc/test_redis_requests.py", "test_a_slow_request_does_not_hold_up_another"),
    ),
    Mutant(
        "the number of requests that are executed at once is unlimited",
        "rider_core/rpc/handling.py",
        "if not self._permits.acquire(blocking=False):",
        "if False:",
        ("tests/rpc/test_socket.py", "test_more_at_once"),
    ),
    Mutant(
        "a request that its client has given up is executed from the socket",
        "rider_core/rpc/socket_server.py",
        "if left_s <= 0 or _has_hung_up(peer):",
        "if left_s <= 0:",
        ("tests/rpc/test_socket.py", "test_a_request_whose_client_hung_up_is_not_executed"),
    ),
    Mutant(
        "the number of silent connections is unlimited",
        "rider_core/rpc/socket_server.py",
        "                self._drop(next(iter(self._connections)))\n",
        "                pass\n",
        ("tests/rpc/test_socket.py", "test_silent_connections"),
    ),
    Mutant(
        "a silent connection is kept for ever",
        "rider_core/rpc/socket_server.py",
        "if now - connection.began > REQUEST_LIMIT_S:",
        "if False:",
        ("tests/rpc/test_socket.py", "test_silent_connections"),
    ),
    Mutant(
        "a request of any size is read",
        "rider_core/rpc/socket_server.py",
        "if len(line) > MAX_REQUEST_BYTES:",
        "if False:",
        ("tests/rpc/test_socket.py", "test_a_large_request"),
    ),
    Mutant(
        "other users may enter the folder of the link's socket",
        "rider_core/rpc/socket_path.py",
        "        folder.chmod(0o700)\n",
        "        pass\n",
        ("tests/rpc/test_socket.py", "test_its_owner_alone"),
    ),
    Mutant(
        "other users may connect to the link's socket",
        "rider_core/rpc/socket_path.py",
        "        path.chmod(0o600)\n",
        "",
        ("tests/rpc/test_socket.py", "test_its_owner_alone"),
    ),
    Mutant(
        "a second link takes the first one's socket",
        "rider_core/rpc/socket_path.py",
        "        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)\n",
        "        pass\n",
        ("tests/rpc/test_socket.py", "test_the_socket_of_a_living"),
    ),
    Mutant(
        "the socket of a killed link keeps the next one from starting",
        "rider_core/rpc/socket_path.py",
        "    path.unlink(missing_ok=True)\n",
        "",
        ("tests/rpc/test_socket.py", "test_the_socket_of_a_killed"),
    ),
    Mutant(
        "a data folder with a long path has no socket",
        "rider_core/rpc/socket_path.py",
        "if len(os.fsencode(path)) <= MAX_PATH_BYTES:",
        "if True:",
        ("tests/rpc/test_socket.py", "test_a_path_may_be_longer"),
    ),
]
