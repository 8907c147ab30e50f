"""`.env` files, the order of the sources, and the names that the design gives to settings."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from rider_core.config import load_settings, origin_of, unknown_variables
from rider_core.errors import ConfigError
from rider_core.runtime.supervision import programs

#: What this file's tests set, which a test's end must forget.
NAMES = (
    "RIDER_WEB_PORT",
    "DASHBOARD_PORT",
    "ENABLE_WEB_DASHBOARD",
    "RIDER_WEB_ENABLED",
    "DASHBOARD_REFRESH_INTERVAL",
    "RIDER_LANGUAGE",
    "RIDER_WORKERS",
    "REDIS_URL",
    "DATABASE_URL",
    "RIDER_REDIS_URL",
    "REDIS_HOST",
    "REDIS_PORT",
    "REDIS_DB",
    "REDIS_PASSWORD",
    "RABBITMQ_HOST",
    "TASK_QUEUE_BACKEND",
    "LD_PRELOAD",
    "SOMETHING_ELSE",
)


@pytest.fixture(autouse=True)
def clean_environment(tmp_path: Path) -> Iterator[None]:
    """A current folder and a data folder of their own. At the end the environment is as before, files or not."""
    before, folder = dict(os.environ), Path.cwd()
    here = tmp_path / "here"
    here.mkdir()
    os.chdir(here)
    for name in (*NAMES, "RIDER_CONFIG", "RIDER_PI_HOST", "RIDER_ROBOT"):
        os.environ.pop(name, None)
    os.environ["RIDER_DATA_DIR"] = str(tmp_path)
    yield
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(before)


class TestEnvFiles:
    def test_both_folders_are_read_and_the_current_one_counts(self, tmp_path: Path) -> None:
        Path(".env").write_text("RIDER_WEB_PORT=8101\nRIDER_LANGUAGE=\n")
        (tmp_path / ".env").write_text("# mine\nexport RIDER_WEB_PORT=8102\nRIDER_LANGUAGE='pl'\nRIDER_WORKERS=3\n")
        settings = load_settings()
        assert (settings.web_port, settings.language, settings.workers) == (8101, "pl", 3)
        assert origin_of("web_port") == f"{Path('.env').absolute()}, line 1"
        assert origin_of("workers") == f"{tmp_path / '.env'}, line 4"

    def test_the_order_of_all_sources(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "rider.toml").write_text("web_port = 8201\nworkers = 4\n")
        assert load_settings().web_port == 8201
        assert origin_of("web_port") == f"{tmp_path / 'rider.toml'}, line 1"
        (tmp_path / ".env").write_text("RIDER_WEB_PORT=8202\n")
        assert load_settings().web_port == 8202
        monkeypatch.setenv("RIDER_WEB_PORT", "8203")
        assert load_settings().web_port == 8203
        assert origin_of("web_port") == "RIDER_WEB_PORT"
        assert load_settings(web_port=8204).web_port == 8204
        assert load_settings().workers == 4
        assert origin_of("threads") == "default"

    def test_a_file_never_overrides_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("RIDER_WORKERS", "2")
        Path(".env").write_text("RIDER_WORKERS=9\n")
        assert load_settings().workers == 2

    def test_variables_of_others_are_not_taken(self) -> None:
        Path(".env").write_text("LD_PRELOAD=evil.so\nSOMETHING_ELSE=1\nRABBITMQ_HOST=broker\nRIDER_WORKERS=1\n")
        load_settings()
        assert "LD_PRELOAD" not in os.environ
        assert "SOMETHING_ELSE" not in os.environ
        assert os.environ["RABBITMQ_HOST"] == "broker"

    def test_a_wrong_value_is_named_with_its_line(self) -> None:
        Path(".env").write_text("\nRIDER_WEB_PORT=eighty\n")
        with pytest.raises(ConfigError, match=rf"{Path('.env').absolute()}, line 2: setting web_port is 'eighty'"):
            load_settings()

    def test_a_dollar_sign_stays(self) -> None:
        Path(".env").write_text("REDIS_URL=redis://:pa$word@h:1/0\nRIDER_WORKERS=1\n")
        assert load_settings().redis_url == "redis://:pa$word@h:1/0"

    @pytest.mark.parametrize(
        ("content", "message"),
        [(b"RIDER_LANGUAGE=\xff\xfe\n", "not written in UTF-8"), (b"#" * 300_000, "has more than 262144 bytes")],
        ids=["not UTF-8", "too large"],
    )
    def test_a_file_that_cannot_be_read_is_named(self, content: bytes, message: str) -> None:
        Path(".env").write_bytes(content)
        with pytest.raises(ConfigError, match=message):
            load_settings()

    def test_another_projects_file_is_left_alone(self, tmp_path: Path) -> None:
        content = "DATABASE_URL=postgresql://shop\nREDIS_URL=redis://shop\nSECRET_KEY='x\n"
        Path(".env").write_text(content)
        settings = load_settings()
        assert (settings.database_url, settings.redis_url) == (None, None)
        (tmp_path / ".env").write_text(content)
        settings = load_settings()
        assert (settings.database_url, settings.redis_url) == ("postgresql://shop", "redis://shop")

    @pytest.mark.parametrize(
        "line",
        ['RIDER_WEB_PASSWORD="abc def', "RIDER_WORKERS 3", "RIDER_LANGUAGE", "RIDER_LANGUAGE=p\0l", "REDIS_URL='x"],
        ids=["open quotation mark", "no equals sign", "no value", "NUL", "open quotation mark of Redis"],
    )
    def test_a_line_that_is_no_assignment_stops_the_start(self, line: str) -> None:
        Path(".env").write_text(f"# mine\n\n{line}\nRIDER_WORKERS=1\n")
        with pytest.raises(ConfigError, match=r"\.env, line 3: this is no assignment"):
            load_settings()

    def test_a_file_does_not_override_another_name_of_the_same_setting(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("REDIS_HOST", "from-environment")
        monkeypatch.setenv("DASHBOARD_PORT", "9000")
        Path(".env").write_text("REDIS_URL=redis://from-file\nREDIS_PORT=7000\nRIDER_WEB_PORT=8500\n")
        settings = load_settings()
        assert settings.web_port == 9000
        assert settings.redis_url == "redis://from-environment:7000/0"

    def test_a_folder_of_that_name_is_no_file(self) -> None:
        Path(".env").mkdir()
        load_settings()


class TestNamesOfTheDesign:
    def test_the_dashboard(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DASHBOARD_PORT", "5050")
        monkeypatch.setenv("DASHBOARD_REFRESH_INTERVAL", "5")
        monkeypatch.setenv("ENABLE_WEB_DASHBOARD", "false")
        settings = load_settings()
        assert (settings.web_port, settings.web_refresh_s, settings.web_enabled) == (5050, 5.0, False)
        assert "panel" not in [program.name for program in programs(settings)]
        assert origin_of("web_port") == "DASHBOARD_PORT"

    def test_our_own_name_comes_first(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DASHBOARD_PORT", "5050")
        monkeypatch.setenv("RIDER_WEB_PORT", "5051")
        monkeypatch.setenv("TASK_QUEUE_BACKEND", "rq")
        monkeypatch.setenv("RIDER_QUEUE_BACKEND", "rabbitmq")
        monkeypatch.setenv("REDIS_URL", "redis://a")
        monkeypatch.setenv("RIDER_REDIS_URL", "redis://b")
        settings = load_settings()
        assert (settings.web_port, settings.queue_backend, settings.redis_url) == (5051, "rabbitmq", "redis://b")
        assert not unknown_variables()

    def test_a_wrong_value_is_named_with_the_variable_that_was_set(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DASHBOARD_PORT", "many")
        with pytest.raises(ConfigError, match=r"^DASHBOARD_PORT: setting web_port is 'many'.*set DASHBOARD_PORT"):
            load_settings()

    @pytest.mark.parametrize(
        ("variables", "url"),
        [
            ({"REDIS_HOST": "10.0.0.5"}, "redis://10.0.0.5:6379/0"),
            ({"REDIS_HOST": "db", "REDIS_PORT": "6380", "REDIS_DB": "2"}, "redis://db:6380/2"),
            ({"REDIS_HOST": "db", "REDIS_PASSWORD": "p@ss/word"}, "redis://:p%40ss%2Fword@db:6379/0"),
            ({"REDIS_HOST": "fd00::7"}, "redis://[fd00::7]:6379/0"),
            ({"REDIS_HOST": "db", "REDIS_URL": "redis://other"}, "redis://other"),
            ({"REDIS_PORT": "tcp://10.96.0.1:6379"}, None),
        ],
    )
    def test_redis_in_parts(self, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], url: str | None) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        assert load_settings().redis_url == url

    @pytest.mark.parametrize(("name", "value"), [("REDIS_PORT", "tcp://10.96.0.1:6379"), ("REDIS_DB", "-1")])
    def test_a_wrong_part_is_named(self, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
        monkeypatch.setenv("REDIS_HOST", "db")
        monkeypatch.setenv(name, value)
        with pytest.raises(ConfigError, match=f"{name} is '{value}', not a number"):
            load_settings()
