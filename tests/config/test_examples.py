"""The example files are what the settings' model says, and a person can begin with them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rider_core.config import Settings, load_settings
from rider_core.config.checking import check_file
from rider_core.config.examples import GROUPS, env_example, toml_example

FOLDER = Path(__file__).resolve().parents[2] / "contrib" / "settings"


@pytest.mark.parametrize(
    ("name", "text"), [(".env.example", env_example()), ("rider.example.toml", toml_example())], ids=["env", "toml"]
)
def test_the_files_are_those_of_the_model(name: str, text: str) -> None:
    assert (FOLDER / name).read_text() == text, f"rider config example writes another {name}"


def test_every_setting_is_there_with_a_heading_above() -> None:
    settings = re.findall(r"^#(\w+) = ", toml_example(), re.MULTILINE)
    assert settings == list(Settings.model_fields)
    assert GROUPS.keys() <= Settings.model_fields.keys()
    assert next(iter(GROUPS)) == next(iter(Settings.model_fields))


def test_with_every_comment_removed_they_are_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIDER_DATA_DIR", str(tmp_path))
    defaults = load_settings()
    active = re.sub(r"^#(\w+ ?=)", r"\1", toml_example(), flags=re.MULTILINE).replace('data_dir = ""\n', "")
    (tmp_path / "rider.toml").write_text(active)
    assert load_settings() == defaults
    (tmp_path / "rider.toml").unlink()
    (tmp_path / "active.env").write_text(re.sub(r"^#(\w+=)", r"\1", env_example(), flags=re.MULTILINE))
    problems, number = check_file(tmp_path / "active.env")
    assert not problems
    assert number > 25


class TestCheckFile:
    def test_all_mistakes_of_a_toml_file_are_named(self, tmp_path: Path) -> None:
        file = tmp_path / "mine.toml"
        file.write_text('web_port = "eighty"\nworker = 3\nlog_level = "loud"\nlanguage = "pl"\nweb_password = 5\n')
        problems, number = check_file(file)
        assert number == 5
        assert len(problems) == 4
        assert any(f"{file}, line 1: setting web_port is 'eighty'" in it for it in problems)
        assert any(f"{file}, line 2: there is no setting worker, did you mean workers?" in it for it in problems)
        assert any(f"{file}, line 3: setting log_level is 'loud'" in it for it in problems)
        assert any("web_password is hidden" in it for it in problems)

    def test_all_mistakes_of_an_env_file_are_named(self, tmp_path: Path) -> None:
        file = tmp_path / ".env"
        file.write_text("DASHBOARD_PORT=eighty\nRIDER_WORKER=3\nPATH=/bin\nRIDER_PROVIDERS={\nRIDER_LANGUAGE=pl\n")
        problems, _ = check_file(file)
        assert len(problems) == 4
        assert any(f"{file}, line 1: setting web_port is 'eighty'" in it for it in problems)
        assert any(f"{file}, line 2: there is no setting RIDER_WORKER" in it for it in problems)
        assert any(f"{file}, line 3: PATH is no variable that is read" in it for it in problems)
        assert any(f"{file}, line 4: setting providers is '{{'" in it for it in problems)

    def test_the_environment_of_whoever_checks_does_not_count(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("RIDER_WEB_PORT", "many")
        monkeypatch.setenv("RIDER_PROVIDERS", "no json")
        monkeypatch.setenv("RIDER_PI_HOST", "10.0.0.9")
        file = tmp_path / "mine.toml"
        file.write_text("workers = 3\n")
        assert check_file(file) == ([], 1)
        file.write_text('robot = "real"\n')
        assert "RIDER_PI_HOST" in check_file(file)[0][0]

    def test_the_parts_of_redis_and_our_other_variables_are_known(self, tmp_path: Path) -> None:
        file = tmp_path / ".env"
        file.write_text("RIDER_CONFIG=/etc/rider.toml\nREDIS_HOST=db\nREDIS_PORT=many\n")
        problems, _ = check_file(file)
        assert len(problems) == 1
        assert "REDIS_PORT is 'many', not a number" in problems[0]

    @pytest.mark.parametrize("name", ["none.toml", "none.env"])
    def test_a_missing_file_is_named(self, tmp_path: Path, name: str) -> None:
        assert check_file(tmp_path / name) == ([f"there is no file {tmp_path / name}"], 0)

    def test_a_broken_toml_file_is_named_with_its_line(self, tmp_path: Path) -> None:
        (tmp_path / "broken.toml").write_text("\nweb_port = = 3\n")
        problems, _ = check_file(tmp_path / "broken.toml")
        assert re.search(r"broken\.toml, line 2", problems[0])
