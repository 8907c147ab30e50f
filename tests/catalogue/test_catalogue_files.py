"""Model files on this machine: where they are looked up, and how damaged ones are found."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from catalogue_entries import BODY, catalogue_of, entry_of
from harness.model_server import FileServer, Served, noise

from rider_core.api.models import UrlSource
from rider_core.catalogue import ModelState
from rider_core.errors import ModelError


def test_missing_model_names_the_command(folder: Path) -> None:
    catalogue = catalogue_of(entry_of(), folder)
    assert catalogue.status("m").state is ModelState.MISSING
    with pytest.raises(ModelError) as raised:
        catalogue.path("m")
    assert raised.value.remedy == "rider models pull m"
    assert not folder.exists()


def test_unknown_name(folder: Path) -> None:
    with pytest.raises(ModelError, match="no model 'x'"):
        catalogue_of(entry_of(), folder).pull("x")


def test_local_folder_comes_first_and_is_left_alone(folder: Path, tmp_path: Path) -> None:
    local = tmp_path / "local"
    for place in (local, folder):
        place.mkdir()
        (place / "m.bin").write_bytes(BODY)
    catalogue = catalogue_of(entry_of(), folder, local)
    assert catalogue.path("m") == catalogue.pull("m") == catalogue.verify("m") == local / "m.bin"
    assert catalogue.status("m").local
    assert catalogue.remove("m")
    assert (local / "m.bin").exists()
    assert not (folder / "m.bin").exists()
    assert not catalogue.remove("m")


def test_local_folder_without_the_file(folder: Path, tmp_path: Path, server: FileServer) -> None:
    server.files["/m"] = Served(BODY)
    catalogue = catalogue_of(entry_of(UrlSource(f"{server.url}/m")), folder, tmp_path)
    assert catalogue.pull("m") == folder / "m.bin"


def test_truncated_file_is_damaged(folder: Path) -> None:
    folder.mkdir()
    (folder / "m.bin").write_bytes(BODY[:-1])
    catalogue = catalogue_of(entry_of(), folder)
    status = catalogue.status("m")
    assert (status.state, status.size_bytes) == (ModelState.DAMAGED, len(BODY) - 1)
    with pytest.raises(ModelError, match=f"{len(BODY) - 1} bytes") as raised:
        catalogue.path("m")
    assert raised.value.remedy == "rider models pull m"


def test_verify_reads_the_content(folder: Path) -> None:
    folder.mkdir()
    (folder / "m.bin").write_bytes(noise(len(BODY), seed=2))
    catalogue = catalogue_of(entry_of(), folder)
    assert catalogue.path("m")
    with pytest.raises(ModelError, match="SHA-256"):
        catalogue.verify("m")


def test_an_engine_gets_no_file_of_other_content(folder: Path) -> None:
    folder.mkdir()
    file = folder / "m.bin"
    file.write_bytes(BODY)
    catalogue = catalogue_of(entry_of(), folder)
    assert catalogue.verified_path("m") == file
    before = file.stat()
    file.write_bytes(noise(len(BODY), seed=2))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    with pytest.raises(ModelError, match="SHA-256") as raised:
        catalogue_of(entry_of(), folder).verified_path("m")
    assert raised.value.remedy == "rider models pull m"


def test_the_content_is_read_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir()
    (folder / "m.bin").write_bytes(BODY)
    for _ in range(2):
        assert catalogue_of(entry_of(), folder).verified_path("m")
        monkeypatch.setattr("rider_core.catalogue.digest_cache.file_sha256", lambda _: pytest.fail("read again"))


@pytest.mark.parametrize("known", [b"", b"{", b"[]", b"7", b'{"PATH": 3}', b'{"PATH": [1, 2, 3, "x"]}', bytes(9)])
def test_the_digest_cache_may_be_damaged(folder: Path, known: bytes) -> None:
    folder.mkdir()
    (folder / "m.bin").write_bytes(BODY)
    (folder / ".digests.json").write_bytes(known.replace(b"PATH", str(folder / "m.bin").encode()))
    assert catalogue_of(entry_of(), folder).verified_path("m")


@pytest.mark.parametrize("name", ["../m.bin", "/tmp/m.bin", "..", ".m", "a/b", "a\0b", "", "%2e%2e/m\n"])
def test_a_name_cannot_lead_out_of_the_folder(folder: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "m.bin").write_bytes(BODY)
    with pytest.raises(ModelError, match="not fit"):
        catalogue_of(entry_of(filename=name), folder).path("m")
