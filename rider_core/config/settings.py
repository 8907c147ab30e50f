"""All settings of Rider-PC. Sources are the environment with `.env` files, then `rider.toml`."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from typing_extensions import Self

from rider_core.api.languages import Language
from rider_core.api.text_generation import PRESET_PATTERN
from rider_core.config.addresses import authority, redis_url_of
from rider_core.config.file import default_data_dir, read_file
from rider_core.config.lists import NameList, NetworkList, PackageList

#: Maximum length of the data folder's path, so that the paths of its sockets fit into 107 bytes. The longest is the
#: first name of supervisord's own, `run/supervisor.sock.1234567`, with its process id.
MAX_FOLDER_BYTES = 107 - len("/run/supervisor.sock.1234567")
_PLAIN_PATH = re.compile(rb"[A-Za-z0-9/._@+~-]+")

#: `10.0.0.7:8080` and `[fd00::7]:8080`; an address of IPv6 alone has more colons.
_WITH_PORT = re.compile(r"[^:]+:\d*|\[.*\]:\d*")

#: Variables under which a setting is also known, in the order in which they count; `RIDER_<NAME>` comes before all.
OTHER_VARIABLES: dict[str, tuple[str, ...]] = {
    "web_port": ("DASHBOARD_PORT",),
    "web_enabled": ("ENABLE_WEB_DASHBOARD",),
    "web_refresh_s": ("DASHBOARD_REFRESH_INTERVAL",),
}

Domain = Literal["speech_to_text", "text_to_speech", "object_detection", "text_generation"]


class Settings(BaseSettings):
    """Read with `load_settings()`. Environment variables are those of `variables_of`."""

    model_config = SettingsConfigDict(
        env_prefix="RIDER_",
        extra="forbid",
        frozen=True,
        populate_by_name=True,
    )

    data_dir: Path = Field(default_factory=default_data_dir, description="folder of the database, models, Redis")

    redis_url: str | None = Field(
        None, alias="REDIS_URL", description="address of Redis; not set: an embedded Valkey in the data folder"
    )
    database_url: str | None = Field(
        None, alias="DATABASE_URL", description="address of the database; not set: SQLite in the data folder"
    )
    queue_backend: str = Field(
        "rq",
        alias="TASK_QUEUE_BACKEND",
        description="what carries the jobs: rq, or the name of a plugin's backend, such as rabbitmq",
    )

    robot: Literal["real", "simulated", "none"] | None = Field(
        None, description="which robot; not set: the real one where pi_host is set, else a simulated one"
    )
    pi_host: str | None = Field(None, description="the real robot's address")
    pi_publish_port: int = Field(5555, ge=1, le=65535, description="port of the robot's broker for our messages")
    pi_subscribe_port: int = Field(5556, ge=1, le=65535, description="port of the robot's broker for its messages")
    pi_api_port: int = Field(8080, ge=1, le=65535, description="the robot's HTTP interface")

    link_port: int = Field(8001, ge=0, le=65535, description="the robot asks us here (HTTP)")
    link_url: str | None = Field(None, description="our address as the robot sees it; not set: detected")
    link_allowed_addresses: NetworkList = Field(
        (), description="addresses and networks that may ask us as the robot does, besides pi_host: 192.168.1.0/24"
    )

    web_enabled: bool = Field(True, description="start the panel with `rider up`")
    web_refresh_s: float = Field(2.0, ge=0.5, le=60, description="seconds between two looks at Redis and the queues")
    web_host: str = Field("127.0.0.1", description="the panel listens here; beyond loopback people must sign in")
    web_port: int = Field(8000, ge=0, le=65535, description="the panel's port")
    web_password: SecretStr | None = Field(None, description="password of the panel's user rider, an administrator")
    metrics_token: SecretStr | None = Field(None, description="a bearer token that opens /metrics, and nothing else")
    web_tls_cert: Path | None = Field(None, description="certificate file, for HTTPS (`rider web certificate`)")
    web_tls_key: Path | None = Field(None, description="its key file")
    web_allowed_hosts: NameList = Field((), description="other names of the panel: panel.home, *.lan")
    web_public_url: str | None = Field(None, description="the address that people open where a proxy is in front")
    web_trusted_proxies: NameList = Field(
        (), description="proxies whose X-Forwarded headers are trusted: 127.0.0.1, 10.0.0.0/8"
    )
    web_allowed_origins: NameList = Field(
        (), description="origins of other pages that may use /v1 with the key: app://obsidian.md"
    )
    web_changes_per_minute: int = Field(
        1_200,
        ge=0,
        le=1_000_000,
        description="changes that one person may make through /api/v1 in a minute; 0: no limit",
    )
    web_sign_ins_per_minute: int = Field(
        60, ge=0, le=1_000_000, description="attempts to sign in from one address in a minute; 0: no limit"
    )
    async_mode: Literal["eventlet", "threading"] = Field("eventlet", description="the panel's server")

    keep_jobs_s: int = Field(
        3_600,
        ge=0,
        le=604_800,
        description="seconds for which the panel keeps ended jobs, their sound and pictures; 0: no",
    )
    keep_jobs_mb: int = Field(200, ge=0, le=100_000, description="disk space of the kept jobs; the oldest make room")
    keep_heard_sound: bool = Field(False, description="keep what people say, too, so that it can be heard in the panel")

    workers: int = Field(1, ge=1, le=64, description="worker processes for each of voice, vision and text")
    worker_memory_mb: int = Field(
        default_factory=lambda: half_of_memory_mb(),
        ge=0,
        description="a worker with more memory is restarted after its job; 0: no limit",
    )
    breaker_failures: int = Field(5, ge=1, le=1_000, description="failures in a row that open a provider's breaker")
    breaker_rest_s: float = Field(30.0, ge=1, le=3_600, description="seconds until an open breaker is tried again")
    threads: int = Field(
        default_factory=lambda: os.cpu_count() or 1, ge=1, le=256, description="threads of each engine"
    )

    model_path: Path | None = Field(None, description="a folder with model files that are used in place")
    language: Language | None = Field(None, description="what people speak, as pl or pl-PL; not set: it is detected")

    camera_fov_deg: float = Field(62.2, ge=20, le=170, description="the camera's horizontal angle of view")
    obstacle_distance_m: float = Field(1.0, ge=0.2, le=5, description="the robot stops for nearer obstacles")
    confirm_frames: int = Field(2, ge=1, le=20, description="frames in which an object must be seen to count")
    follow: bool = Field(False, description="let the robot turn to the person that it sees")
    tracker: str | None = Field(None, max_length=64, description="the object tracker; not set: the only one")

    robot_prompt: str = Field(
        "companion", pattern=PRESET_PATTERN, description="the robot's system prompt (`rider prompts list`)"
    )
    barge_in: bool = Field(True, description="speech stops the robot's answer; false for a robot that hears itself")
    voice_keepalive: bool = Field(True, description="keep the robot's voice domain through silence, by empty results")
    speech_piece_s: float = Field(
        1.5, ge=0.5, le=2.8, description="length of the pieces of speech; the robot starts a player for each piece"
    )
    when_blind: Literal["stop", "local"] = Field(
        "stop", description="without vision: stop the robot and go on talking, or return all domains to it"
    )
    answer_cache_mb: int = Field(16, ge=0, le=4_096, description="size of the cache of answers; 0: no cache")
    answer_cache_hours: float = Field(24, gt=0, le=8_760, description="hours until an answer leaves the cache")

    providers: dict[Domain, str] = Field(
        default_factory=dict, description="domain to provider; by default its first real one"
    )
    provider_settings: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="provider to its own settings"
    )
    plugins_disabled: NameList = Field((), description="plugins that are not loaded")
    plugins_required: NameList = Field((), description="plugins without which nothing starts")
    plugins_installable: PackageList = Field(
        (), description="packages that administrators may install and remove on the panel; empty: none"
    )
    safe_mode: bool = Field(False, description="load no plugins at all")

    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="how much is logged")
    log_format: Literal["text", "json"] = Field("text", description="lines for people, or one JSON object for each")

    @field_validator("pi_host", "web_host", mode="after")
    @classmethod
    def _without_brackets(cls, host: str | None, info: ValidationInfo) -> str | None:
        """Remove the brackets of an IPv6 address: people copy it from a browser, `[fd00::7]`."""
        if host is None:
            return None
        host = host.strip()
        if "/" in host or _WITH_PORT.fullmatch(host):
            port = "web_port" if info.field_name == "web_host" else "pi_api_port"
            raise ValueError(f"is more than a name or an address; the port is a setting of its own, {port}")
        return host.removeprefix("[").removesuffix("]")

    @field_validator("data_dir", "model_path", mode="after")
    @classmethod
    def _at_home(cls, path: Path | None) -> Path | None:
        """Expand a tilde that no shell has expanded."""
        if path is None:
            return None
        try:
            path = path.expanduser()
        except RuntimeError:
            raise ValueError("there is no such user's home folder; write the whole path") from None
        try:
            path.absolute()
        except FileNotFoundError:
            raise ValueError("the current folder is gone; change to another, or write the whole path") from None
        return path

    @model_validator(mode="after")
    def _robot_has_an_address(self) -> Self:
        if self.robot == "real" and not self.pi_host:
            raise ValueError("RIDER_ROBOT (robot) is real, but RIDER_PI_HOST (pi_host), its address, is not set")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, _Environment(settings_cls), InitSettingsSource(settings_cls, cls._file_values())

    @classmethod
    def _file_values(cls) -> dict[str, Any]:
        """The file's settings without empty ones: `pi_host = ""` is as `RIDER_PI_HOST=`. Unknown names are reported."""
        known = {*cls.model_fields, *(info.alias for info in cls.model_fields.values())}
        return {name: value for name, value in read_file().items() if name not in known or not _is_empty(value)}

    @property
    def redis_socket(self) -> Path:
        """Where the embedded Valkey listens."""
        return (self.data_dir / "redis" if self.has_plain_path else self.sockets_dir) / "valkey.sock"

    @property
    def has_plain_path(self) -> bool:
        """Whether sockets can be in the data folder: neither the kernel nor redis-py accepts every path."""
        path = os.fsencode(self.data_dir.absolute())
        return len(path) <= MAX_FOLDER_BYTES and _PLAIN_PATH.fullmatch(path) is not None

    @property
    def sockets_dir(self) -> Path:
        """Folder of Valkey's and supervisord's sockets. `runtime.data_folder.make_sockets_dir` creates it."""
        folder = self.data_dir.absolute()
        if self.has_plain_path:
            return folder / "run"
        digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"rider-{os.getuid()}" / digest

    @property
    def redis_location(self) -> str:
        """The URL of the configured or the embedded server."""
        return self.redis_url or f"unix://{self.redis_socket}"

    @property
    def database_location(self) -> str:
        path = str(self.data_dir / "rider.db")
        for sign in "%?#":  # characters with a meaning in a URL; the escape character first
            path = path.replace(sign, f"%{ord(sign):02X}")
        return self.database_url or f"sqlite:///{path}"

    @property
    def models_dir(self) -> Path:
        """Where fetched models are stored."""
        return self.data_dir / "models"

    @property
    def preferences_file(self) -> Path:
        """File with people's choices for the robot's domains."""
        return self.data_dir / "robot.json"

    @property
    def kept_jobs_dir(self) -> Path:
        """Folder of ended jobs that the panel keeps, with their sound and pictures."""
        return self.data_dir / "jobs"

    @property
    def link_socket(self) -> Path:
        """The link's socket for local clients. Only the owner can open its folder."""
        return self.data_dir / "run" / "link" / "link.sock"

    @property
    def metrics_dir(self) -> Path:
        """Folder in which the processes of one `rider up` share their metrics."""
        return self.data_dir / "run" / "metrics"

    @property
    def answer_cache_bytes(self) -> int:
        return self.answer_cache_mb << 20

    @property
    def answer_cache_age_s(self) -> int:
        return max(1, round(self.answer_cache_hours * 3_600))

    @property
    def has_robot(self) -> bool:
        return self.robot != "none"

    @property
    def simulated(self) -> bool:
        return self.robot == "simulated" or (self.robot is None and self.pi_host is None)

    @property
    def robot_address(self) -> str:
        return "127.0.0.1" if self.simulated or not self.pi_host else self.pi_host

    @property
    def robot_api_url(self) -> str:
        return f"http://{authority(self.robot_address, self.pi_api_port)}"


class _Environment(EnvSettingsSource):
    """Environment variables. A blank one counts as not set. A setting's first variable counts."""

    def __init__(self, settings_cls: type[BaseSettings]) -> None:
        super().__init__(settings_cls)
        found = {name: value for name, value in self.env_vars.items() if not _is_empty(value)}
        for field in settings_cls.model_fields:
            first = next((it.lower() for it in variables_of(field) if it.lower() in found), None)
            if first is not None:
                found[variable_of(field).lower()] = found[first]
        if "redis_url" not in found and "redis_host" in found:
            found["redis_url"] = redis_url_of(found)
        self.env_vars = found


def _is_empty(value: object) -> bool:
    """Whether a value counts as not set: people write `RIDER_LANGUAGE=` to unset it."""
    return isinstance(value, str) and not value.strip()


def half_of_memory_mb() -> int:
    """Half of this machine's memory."""
    return (os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")) >> 21


def variable_of(name: str) -> str:
    """The environment variable of a setting, as people write it."""
    return Settings.model_fields[name].alias or f"RIDER_{name.upper()}"


def variables_of(name: str) -> tuple[str, ...]:
    """All environment variables of a setting. The first one that is set counts."""
    return tuple(dict.fromkeys((f"RIDER_{name.upper()}", variable_of(name), *OTHER_VARIABLES.get(name, ()))))
