"""The data folder: created and checked; one that another user could have prepared is refused."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from rider_core.config import Settings
from rider_core.errors import ConfigError
from rider_core.runtime.data_folder import check_data_folder, make_data_folder, overwrite_in_place, require_free_space
from rider_core.runtime.services import Services
from rider_core.testing.small_disk import make_read_only, small_disk

NOT_ROOT = os.geteuid() != 0


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_is_made_for_this_user_alone(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    check_data_folder(folder)
    make_data_folder(folder)
    assert mode(folder) == 0o700
    make_data_folder(folder)


def test_others_may_not_write_into_it(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    make_data_folder(tmp_path)
    assert mode(tmp_path) == 0o755


@pytest.mark.parametrize(
    "name", ["rider.db", "robot.json", "run", "redis", "models", "run/supervisord.conf", "redis/x"]
)
def test_nothing_in_it_leads_elsewhere(tmp_path: Path, name: str) -> None:
    folder, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    path = folder / name
    path.parent.mkdir(parents=True)
    elsewhere.write_text("mine")
    path.symlink_to(elsewhere)
    with pytest.raises(ConfigError, match=rf"{name} is a link.*: rm '"):
        make_data_folder(folder)
    with pytest.raises(ConfigError, match="is a link"):
        Services.open(Settings(data_dir=folder), role="cli")
    assert elsewhere.read_text() == "mine"


@pytest.mark.parametrize("name", ["rider.db", "robot.json", "run/supervisord.conf", "redis/redis.conf"])
def test_a_file_in_it_is_not_somewhere_else_too(tmp_path: Path, name: str) -> None:
    """Another user with write access could place a hard link to a file of ours, which would be overwritten."""
    folder, mine = tmp_path / "data", tmp_path / "mine"
    path = folder / name
    path.parent.mkdir(parents=True)
    mine.write_text("mine")
    path.hardlink_to(mine)
    with pytest.raises(ConfigError, match="is the same file as another elsewhere") as refusal:
        make_data_folder(folder)
    assert refusal.value.remedy is not None
    subprocess.run(refusal.value.remedy.partition(": ")[2], shell=True, check=True)
    make_data_folder(folder)
    assert mine.read_text() == "mine"


@pytest.mark.parametrize("name", ["rider.db", "robot.json", "run/plugins.json", "redis", "models"])
def test_a_pipe_in_a_files_place(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    os.mkfifo(path)
    with pytest.raises(ConfigError, match=rf"{name} is a pipe or a device, not a file"):
        make_data_folder(tmp_path)
    with pytest.raises(ConfigError, match="is a pipe"):
        Services.open(Settings(data_dir=tmp_path), role="cli")


@pytest.mark.skipif(NOT_ROOT, reason="only root can change the owner of a folder")
@pytest.mark.parametrize("name", ["", "run", "rider.db"])
def test_another_users_folder_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "run":
        path.mkdir()
    elif name:
        path.touch()
    os.chown(path, 12345, 12345)
    with pytest.raises(ConfigError, match="belongs to user number 12345"):
        make_data_folder(tmp_path)


def test_a_file_in_its_place(tmp_path: Path) -> None:
    file = tmp_path / "data"
    file.touch()
    with pytest.raises(ConfigError, match="is a file"):
        make_data_folder(file)
    with pytest.raises(ConfigError, match="is a file"):
        check_data_folder(file)
    with pytest.raises(ConfigError, match="cannot be"):
        make_data_folder(file / "deeper")


def test_new_files_are_private_whatever_the_folders_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    environment = {**os.environ, "RIDER_DATA_DIR": str(tmp_path), "REDIS_URL": "redis://127.0.0.1:1"}
    code = (
        "from rider_core.runtime.data_folder import set_private_umask; from rider_core.config import load_settings;"
        "from rider_core.runtime.supervision import write_configuration;"
        "set_private_umask(); write_configuration(load_settings())"
    )
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, umask=0)
    assert mode(tmp_path / "run") == 0o700
    assert mode(tmp_path / "run" / "supervisord.conf") == 0o600


@pytest.mark.parametrize("how", ["no more files", "read only"])
def test_a_disk_with_space_that_refuses_writes(tmp_path: Path, how: str) -> None:
    with small_disk(tmp_path, 32 << 10, files=2 if how == "no more files" else 0) as folder:
        folder.chmod(0o700)
        (folder / "rider.db").write_text("as it was")
        if how == "read only":
            make_read_only(folder)
        if how == "no more files":
            make_data_folder(folder)
        with pytest.raises(ConfigError, match=rf"{folder}.*(No space left|cannot be written to)"):
            require_free_space(folder) if how == "no more files" else make_data_folder(folder)
        if how == "read only":
            with pytest.raises(ConfigError, match=r"rider\.db cannot be written: Read-only file system"):
                overwrite_in_place(folder / "rider.db", "new")
        else:
            overwrite_in_place(folder / "rider.db", "new")
