"""The support bundle: what those who help need to know of an installation.

It has no payload, no transcript, no prompt and no password. `Redactor` reads all of it before it is shown or written.
"""

from __future__ import annotations

import io
import json
import os
import platform
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime, timezone
from importlib import metadata
from typing import Any

from pydantic import Field

import rider_core
from rider_core.api.messages import Message
from rider_core.config import Settings, origin_of
from rider_core.config.shown import shown_settings, shown_value
from rider_core.database.saved import saved_settings
from rider_core.errors import RiderError
from rider_core.runtime.log_stream import LogLine, read_logs
from rider_core.runtime.redaction import Redactor
from rider_core.runtime.robot_client import RobotClient
from rider_core.runtime.services import Services

#: Log lines in the bundle: some hours of a robot that rests, half an hour of one that talks.
LOG_LINES = 2_000
#: Characters of all log lines together; the latest are kept.
MAX_LOG_CHARACTERS = 1_000_000
#: `rider doctor` opens every engine's plugin, and reads the models.
DOCTOR_LIMIT_S = 120
#: Switches of domains that come with the robot's state.
_SWITCHES = 50
#: What Redis tells of itself, by INFO's names.
_REDIS_FIGURES = (
    "redis_version", "valkey_version", "uptime_in_seconds", "connected_clients", "used_memory", "used_memory_peak",
    "maxmemory", "maxmemory_policy", "aof_enabled", "aof_last_write_status", "rdb_last_bgsave_status",
    "total_commands_processed", "rejected_connections", "evicted_keys",
)  # fmt: skip


class BundleFile(Message):
    """One file of the bundle."""

    name: str
    about: str = Field(description="what it tells")
    text: str


def support_files(services: Services) -> tuple[BundleFile, ...]:
    """The files of the bundle. A part that cannot be read has the reason in its place."""
    saved: dict[str, dict[str, Any]] = {}
    with suppress(RiderError):  # providers.json says why
        saved = saved_settings(services.settings.database_location)
    redactor = Redactor(services.settings, os.environ, [saved, services.settings.provider_settings])
    parts: tuple[tuple[str, str, Callable[[], Any]], ...] = (
        ("about.json", "versions of Rider-PC, Python, its libraries and the system", _about),
        ("doctor.json", "what `rider doctor` says", lambda: _doctor(services.settings)),
        ("plugins.json", "the plugins, and why some do not work", lambda: _plugins(services)),
        ("settings.json", "every setting, and where its value comes from", lambda: _settings(services.settings)),
        ("providers.json", "which engines are on, their order and settings", lambda: _providers(services)),
        ("queues.json", "figures of queues, tasks and Redis", lambda: _queues(services)),
        ("robot.json", "what the link says of the robot: connection, domains, switches", lambda: _robot(services)),
        ("logs.txt", f"the last {LOG_LINES} log lines of all processes, above debug", lambda: _logs(services)),
    )
    return tuple(BundleFile(name=name, about=about, text=_text(make, redactor)) for name, about, make in parts)


def support_archive(files: tuple[BundleFile, ...]) -> bytes:
    """The files as a ZIP archive."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        for file in files:
            opened.writestr(file.name, file.text)
    return archive.getvalue()


def archive_name(kind: str) -> str:
    """A name of an archive that is made now, such as `rider-support-20260131-120000.zip`."""
    return f"rider-{kind}-{time.strftime('%Y%m%d-%H%M%S')}.zip"


def _text(make: Callable[[], Any], redactor: Redactor) -> str:
    try:
        made = make()
    except RiderError as error:
        made = {"problem": error.message, "remedy": error.remedy}
    if isinstance(made, str):
        return redactor.text(made)
    return json.dumps(redactor.value(made), indent=2, ensure_ascii=False) + "\n"


def _about() -> dict[str, Any]:
    libraries = {found.metadata["Name"]: found.version for found in metadata.distributions() if found.metadata["Name"]}
    return {
        "rider_core": rider_core.__version__,
        "made": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "python": sys.version,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processors": os.cpu_count(),
        "libraries": dict(sorted(libraries.items(), key=lambda it: it[0].lower())),
    }


def _doctor(settings: Settings) -> Any:
    """In a process of its own: engines' libraries stay in the process that loads them."""
    command = [sys.executable, "-m", "rider_core.cli.main", "doctor", "--json"]
    environment = {**os.environ, "RIDER_DATA_DIR": str(settings.data_dir)}
    try:
        done = subprocess.run(command, capture_output=True, timeout=DOCTOR_LIMIT_S, env=environment, check=False)
        return json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return {"problem": f"`rider doctor` did not end within {DOCTOR_LIMIT_S} s"}
    except ValueError:
        return {"problem": done.stderr.decode("utf-8", "replace")[-2_000:]}


def _plugins(services: Services) -> Any:
    return [{**asdict(record), "state": record.state.value} for record in services.plugins.records()]


def _settings(settings: Settings) -> Any:
    # The numbers of engines' settings are in providers.json, which knows their secrets.
    names = (name for name in Settings.model_fields if name != "provider_settings")
    return {name: {"value": shown_value(getattr(settings, name)), "from": origin_of(name)} for name in names}


def _providers(services: Services) -> Any:
    saved = saved_settings(services.settings.database_location)
    in_file = services.settings.provider_settings
    found = {}
    for name, provider in sorted(services.plugins.registry.providers.items()):
        choice = services.provider_choices.of(name)
        values = {**in_file.get(name, {}), **saved.get(name, {})}
        found[name] = {
            "domain": provider.domain,
            "mock": provider.mock,
            "enabled": choice.enabled,
            "place": choice.place,
            "changed_settings": shown_settings(values, provider.Config),
        }
    return found


def _queues(services: Services) -> Any:
    info = services.redis_info()
    return {
        "queues": [stats.model_dump(mode="json") for stats in services.backend.stats()],
        "tasks": [
            {
                name: value
                for name, value in figures.model_dump(mode="json").items()
                if isinstance(value, (str, int, float))
            }
            for figures in services.backend.figures()
        ],
        "redis": {name: info[name] for name in _REDIS_FIGURES if name in info},
    }


def _robot(services: Services) -> Any:
    client = RobotClient(services.redis, services.settings.link_socket)
    try:
        return _without_reasons(client.show(_SWITCHES).model_dump(mode="json"))
    finally:
        client.close()


def _without_reasons(value: Any) -> Any:
    """A robot's state without the reasons that people wrote."""
    if isinstance(value, dict):
        return {name: _without_reasons(it) for name, it in value.items() if name != "why"}
    return [_without_reasons(it) for it in value] if isinstance(value, list) else value


def _logs(services: Services) -> str:
    lines, _ = read_logs(services.redis, lambda line: line.level != "debug", LOG_LINES)
    return "\n".join(reversed(list(_latest(lines)))) + "\n"


def _latest(lines: list[LogLine]) -> Iterator[str]:
    left = MAX_LOG_CHARACTERS
    for line in lines:
        when = datetime.fromtimestamp(line.ts, timezone.utc).isoformat(timespec="milliseconds")
        trace = f" [{line.trace_id}]" if line.trace_id else ""
        text = f"{when} {line.level:<7} {line.process} {line.logger}: {line.message}{trace}"
        left -= len(text)
        if left < 0:
            return
        yield text
