"""What the panel's process replaces before its libraries are imported, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys


def printed(program: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_a_name_server_that_does_not_answer_stops_no_other_green_thread() -> None:
    found = printed("""
import socket, time
answer = socket.getaddrinfo
def slow(host, port, family=0, type=0, proto=0, flags=0):
    if flags & socket.AI_NUMERICHOST:
        return answer(host, port, family, type, proto, flags)
    time.sleep(1)  # not eventlet's
    return answer("127.0.0.1", port, family, type, proto, flags)
time_sleep = time.sleep
socket.getaddrinfo = slow
from rider_core.web.serving.eventlet_setup import patch_standard_library
patch_standard_library()
slow.__globals__["time"] = type("Time", (), {"sleep": staticmethod(time_sleep)})
import eventlet
ticks = []
def tick():
    while True:
        ticks.append(1)
        eventlet.sleep(0.01)
eventlet.spawn(tick)
eventlet.sleep(0)
print(socket.getaddrinfo("rider-pi.local", 80)[0][4][0], len(ticks) > 20)
ticks.clear()
try:
    socket.create_connection(("rider-pi.local", 1))
except OSError:
    print(len(ticks) > 20)
""")
    assert found == ["127.0.0.1", "True", "True"]


def test_addresses_need_no_thread_and_wrong_names_are_errors() -> None:
    found = printed("""
from rider_core.web.serving.eventlet_setup import patch_standard_library
patch_standard_library()
import socket
from eventlet import tpool
print(socket.getaddrinfo("::1", 80)[0][4][0], socket.getaddrinfo(None, 80)[0][4][1], tpool._setup_already)
try:
    socket.getaddrinfo("no.such.name.invalid", 80)
except socket.gaierror:
    print("gaierror", tpool._setup_already)
""")
    assert found == ["::1", "80", "False", "gaierror", "True"]


def test_the_panel_imports_no_client_libraries_and_others_still_can() -> None:
    found = printed("""
import sys
import rider_core.web.__main__
print([name for name in ("dns", "requests", "valkey", "websocket", "aiohttp") if name in sys.modules])
import valkey
print(valkey.Valkey.__name__)
""")
    assert found == ["[]", "Valkey"]
