"""Settings from the environment and the file, and the error for each mistake."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rider_core.config import Settings, load_settings, unknown_variables, variable_of
from rider_core.errors import ConfigError
from rider_core.printable import without_passwords


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RIDER_DATA_DIR", str(tmp_path))
    for name in ("RIDER_CONFIG", "RIDER_PI_HOST", "RIDER_ROBOT", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "rider.toml"


class TestEnvironment:
    @pytest.mark.parametrize(
        "name",
        [
            "RIDER_LANGUAGE",
            "RIDER_PI_HOST",
            "REDIS_URL",
            "RIDER_WEB_PORT",
            "RIDER_PROVIDERS",
            "RIDER_CONFIG",
            "RIDER_ROBOT",
        ],
    )
    def test_an_empty_variable_is_not_set(self, file: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        without = load_settings()
        monkeypatch.setenv(name, "")
        assert load_settings() == without

    @pytest.mark.parametrize("name", [variable_of(name) for name in Settings.model_fields if name != "data_dir"])
    def test_a_blank_variable_is_not_set(self, file: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        """As in an environment file: a blank after the equals sign, or a line end of Windows."""
        monkeypatch.delenv(name, raising=False)
        without = load_settings()
        monkeypatch.setenv(name, " \t\r")
        assert load_settings() == without

    def test_a_blank_folder_is_not_set(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("RIDER_DATA_DIR", " ")
        monkeypatch.setenv("RIDER_CONFIG", " ")
        assert load_settings().data_dir.name == "rider-pc"

    @pytest.mark.parametrize("name", ["RIDER_DATA_DIR", "RIDER_CONFIG", "RIDER_MODEL_PATH"])
    def test_the_home_folder_of_an_unknown_user(self, file: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        monkeypatch.setenv(name, "~no-such-user/rider")
        with pytest.raises(ConfigError, match=rf"{name}.*'~no-such-user/rider'.*no such user's home folder"):
            load_settings()

    def test_a_relative_folder_in_a_removed_one(
        self, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The current folder of the shell was removed."""
        (tmp_path / "gone").mkdir()
        monkeypatch.chdir(tmp_path / "gone")
        (tmp_path / "gone").rmdir()
        monkeypatch.setenv("RIDER_DATA_DIR", "data")
        with pytest.raises(ConfigError, match=r"RIDER_DATA_DIR: .*the current folder is gone"):
            load_settings()

    @pytest.mark.parametrize(
        "host", ["10.0.0.7:8080", "http://10.0.0.7", "rider.local:", "[fd00::7]:8080", "rider.local/api"]
    )
    @pytest.mark.parametrize(("name", "port"), [("RIDER_PI_HOST", "pi_api_port"), ("RIDER_WEB_HOST", "web_port")])
    def test_an_address_with_its_port(
        self, file: Path, monkeypatch: pytest.MonkeyPatch, name: str, port: str, host: str
    ) -> None:
        monkeypatch.setenv(name, host)
        with pytest.raises(ConfigError, match=rf"{name}: setting .*{re.escape(host)}.*setting of its own, {port}"):
            load_settings()

    def test_an_empty_data_folder_is_the_usual_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("RIDER_DATA_DIR", "")
        assert load_settings().data_dir.name == "rider-pc"
        assert load_settings().data_dir.is_absolute()

    def test_a_tilde_is_the_home_folder(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", str(file.parent))
        monkeypatch.setenv("RIDER_DATA_DIR", "~/data")
        monkeypatch.setenv("RIDER_MODEL_PATH", "~/models")
        monkeypatch.setenv("RIDER_CONFIG", "~/mine.toml")
        (file.parent / "mine.toml").write_text("web_port = 5\n")
        settings = load_settings()
        assert (settings.data_dir, settings.model_path) == (file.parent / "data", file.parent / "models")
        assert settings.web_port == 5

    @pytest.mark.parametrize(
        ("name", "value", "message"),
        [
            ("RIDER_WEB_PORT", "much", "RIDER_WEB_PORT: setting web_port is 'much': input should be a valid integer"),
            ("RIDER_PROVIDERS", "espeak", "RIDER_PROVIDERS is 'espeak', which is not a JSON object"),
            ("RIDER_PROVIDERS", '{"voice": "espeak"}', "RIDER_PROVIDERS: setting providers.voice"),
            ("RIDER_PROVIDER_SETTINGS", '{"a": 1', "RIDER_PROVIDER_SETTINGS is '{\"a\": 1', which is not a JSON"),
            (
                "RIDER_PROVIDER_SETTINGS",
                '{"a": {"api_key": "s3',
                r"is '{\"a\": {\"api_key\": \*\*\*, which is not a JSON",
            ),
            ("RIDER_ROBOT", "real", r"RIDER_ROBOT \(robot\) is real, but RIDER_PI_HOST"),
            ("RIDER_ROBOT", "maybe", "RIDER_ROBOT: setting robot is 'maybe'"),
            ("RIDER_LOG_LEVEL", "x" * 5_000, r"RIDER_LOG_LEVEL: .{0,200}\.\.\.: input should be"),
        ],
    )
    def test_a_wrong_value_is_named_with_its_variable(
        self, file: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
    ) -> None:
        monkeypatch.setenv(name, value)
        with pytest.raises(ConfigError, match=message) as refusal:
            load_settings()
        assert "pydantic" not in str(refusal.value)

    def test_an_unknown_variable_is_named(self) -> None:
        environment = {
            "RIDER_WEB_PROT": "1",
            "RIDER_WEB_PORT": "2",
            "RIDER_TEST_X": "3",
            "RIDER_XYZZY": "4",
            "HOME": "/",
        }
        assert unknown_variables(environment) == [
            "there is no setting RIDER_WEB_PROT, did you mean RIDER_WEB_PORT?",
            "there is no setting RIDER_XYZZY",
        ]


class TestRobot:
    @pytest.mark.parametrize(
        ("robot", "host", "simulated", "address", "has_robot"),
        [
            ("", "", True, "127.0.0.1", True),
            ("", "10.0.0.7", False, "10.0.0.7", True),
            ("real", "10.0.0.7", False, "10.0.0.7", True),
            ("simulated", "10.0.0.7", True, "127.0.0.1", True),
            ("none", "", False, "127.0.0.1", False),
            ("none", "10.0.0.7", False, "10.0.0.7", False),
        ],
    )
    def test_which(
        self,
        file: Path,
        monkeypatch: pytest.MonkeyPatch,
        robot: str,
        host: str,
        simulated: bool,
        address: str,
        has_robot: bool,
    ) -> None:
        monkeypatch.setenv("RIDER_ROBOT", robot)
        monkeypatch.setenv("RIDER_PI_HOST", host)
        settings = load_settings()
        assert (settings.simulated, settings.robot_address, settings.has_robot) == (simulated, address, has_robot)


class TestFile:
    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"web_port = \n", r"rider\.toml, line 1: invalid value"),
            (b"a = 1\nweb_port = 5\nweb_port = 6\n", r"rider\.toml, line 3: cannot overwrite a value"),
            ("language = \u201cpl\u201d\n".encode(), r"line 1: .*language = .pl"),
            ("web_port = 5\n".encode("utf-16"), r"rider\.toml is written in UTF-16"),
            ("web_port = 5\n".encode("utf-16-le"), r"rider\.toml is written in UTF-16"),
            (
                "# za\u017c\u00f3\u0142\u0107\nweb_port = 5\n# g\u0119\u015bl\n".encode("iso8859-2"),
                r"line 1: byte 0xbf is no UTF-8",
            ),
            (b"web_port = 5\nwebb_port = 6\n", r"line 2: there is no setting webb_port, did you mean web_port\?"),
            (b"\n\nweb_port = 99999\n", r"line 3: setting web_port is 99999: input should be less than"),
            (b"[providers]\nvoice = 'x'\n", r"line 1: setting providers\.voice"),
            (b"a = " + b"[" * 5_000, r"rider\.toml"),
            (b"#" * 2_000_000, "more than 1048576 bytes"),
        ],
        ids=lambda value: "" if isinstance(value, bytes) else value[:24],
    )
    def test_an_error_names_file_and_line(self, file: Path, content: bytes, message: str) -> None:
        file.write_bytes(content)
        with pytest.raises(ConfigError, match=message):
            load_settings()

    @pytest.mark.parametrize(
        "name", ["pi_host", "redis_url", "DATABASE_URL", "model_path", "web_password", "language", "tracker"]
    )
    def test_an_empty_text_is_not_set(self, file: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        monkeypatch.delenv("RIDER_MODEL_PATH", raising=False)
        without = load_settings()
        file.write_text(f'{name} = ""\n')
        assert load_settings() == without
        file.write_text(f'{name} = "  "\n')
        assert load_settings() == without

    def test_the_name_of_a_variable_in_the_file(self, file: Path) -> None:
        file.write_text("RIDER_WEB_PORT = 9000\n")
        with pytest.raises(ConfigError, match=r"line 1: there is no setting RIDER_WEB_PORT, did you mean web_port\?"):
            load_settings()

    def test_curly_quotation_marks_are_explained(self, file: Path) -> None:
        file.write_text("language = \u201epl\u201d\n", encoding="utf-8")
        with pytest.raises(ConfigError) as refusal:
            load_settings()
        assert "straight quotation marks" in (refusal.value.remedy or "")

    @pytest.mark.parametrize(
        "content",
        [
            "web_password = 's3cr3t-5417\n",
            "[provider_settings.ollama]\napi_key = “s3cr3t-5417”\n",
            "[provider_settings]\nollama = [{api_key = 's3cr3t-5417'}]\n",
            "redis_url = 'redis://:s3cr3t-5417/x@host'x\n",
        ],
    )
    def test_an_error_shows_no_secret(self, file: Path, content: str) -> None:
        file.write_text(content, encoding="utf-8")
        with pytest.raises(ConfigError, match=r"line [12]") as refusal:
            load_settings()
        assert "s3cr3t" not in without_passwords(f"{refusal.value} {refusal.value.remedy}")

    def test_a_byte_order_mark_is_ignored(self, file: Path) -> None:
        file.write_bytes("web_port = 7\n".encode("utf-8-sig"))
        assert load_settings().web_port == 7

    def test_a_file_that_is_named_must_be_there(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("RIDER_CONFIG", str(file.parent / "other.toml"))
        with pytest.raises(ConfigError, match=r"RIDER_CONFIG is '.*other\.toml', and there is no such file"):
            load_settings()
        monkeypatch.setenv("RIDER_CONFIG", str(file.parent))
        with pytest.raises(ConfigError, match="is a folder"):
            load_settings()

    def test_the_environment_comes_first(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        file.write_text("web_port = 7\nlanguage = 'pl'\n")
        monkeypatch.setenv("RIDER_WEB_PORT", "8")
        assert (load_settings().web_port, load_settings().language) == (8, "pl")


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("fd00::7", "http://[fd00::7]:8080"),
        ("[fd00::7]", "http://[fd00::7]:8080"),
        (" 10.0.0.7 ", "http://10.0.0.7:8080"),
        ("rider.local", "http://rider.local:8080"),
        ("my_robot.local", "http://my_robot.local:8080"),
        ("fe80::7%eth0", "http://[fe80::7%eth0]:8080"),
        ("::ffff:10.0.0.7", "http://[::ffff:10.0.0.7]:8080"),
    ],
)
def test_addresses_of_either_kind(written: str, url: str) -> None:
    settings = Settings(pi_host=written)
    assert settings.robot_api_url == url
    assert Settings(web_host=written).web_host == written.strip().strip("[]")
