"""Models from a URL, from a server that breaks connections, sends wrong content and vanishes."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest
from catalogue_entries import BODY, catalogue_of, entry_of, installed_files
from harness.model_server import FileServer, Served, noise, sha256

from rider_core.api.models import UrlSource
from rider_core.catalogue import ModelState
from rider_core.errors import ModelError


def test_pull_with_progress(folder: Path, server: FileServer) -> None:
    server.files["/m"] = Served(BODY)
    seen: list[tuple[str, int, int]] = []
    entry = entry_of(UrlSource(f"{server.url}/m"))
    catalogue = catalogue_of(entry, folder)
    assert catalogue.pull("m", lambda *progress: seen.append(progress)).read_bytes() == BODY
    assert seen[-1] == ("downloading m.bin", len(BODY), len(BODY))
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)
    assert catalogue.verify("m") == folder / "m.bin"
    assert not list((folder / ".fetch").iterdir())


def test_second_pull_fetches_nothing(folder: Path, server: FileServer) -> None:
    server.files["/m"] = Served(BODY)
    catalogue = catalogue_of(entry_of(UrlSource(f"{server.url}/m")), folder)
    catalogue.pull("m")
    catalogue.pull("m")
    assert len(server.requests) == 1


def test_damaged_file_is_fetched_again(folder: Path, server: FileServer) -> None:
    folder.mkdir()
    (folder / "m.bin").write_bytes(noise(len(BODY), seed=2))
    server.files["/m"] = Served(BODY)
    assert catalogue_of(entry_of(UrlSource(f"{server.url}/m")), folder).pull("m").read_bytes() == BODY


def test_goes_on_where_the_connection_broke(folder: Path, server: FileServer) -> None:
    server.files["/m"] = Served(BODY, drops=[200_000, 0, 0, 300_000, 0, 0])
    assert catalogue_of(entry_of(UrlSource(f"{server.url}/m")), folder).pull("m").read_bytes() == BODY
    assert [span for _, span in server.requests] == [
        None,
        *["bytes=200000-"] * 3,
        *["bytes=500000-"] * 3,
    ]


def test_interrupted_pull_is_gone_on_with_by_the_next(folder: Path, server: FileServer) -> None:
    server.files["/m"] = Served(BODY, drops=[300_000, 0, 0, 0])
    catalogue = catalogue_of(entry_of(UrlSource(f"{server.url}/m")), folder)
    with pytest.raises(ModelError, match="RemoteProtocolError"):
        catalogue.pull("m")
    assert installed_files(folder) == []
    assert catalogue.status("m").state is ModelState.MISSING
    catalogue.pull("m")
    assert server.requests[-1] == ("/m", "bytes=300000-")


def test_server_without_ranges(folder: Path, server: FileServer) -> None:
    server.files["/m"] = Served(BODY, drops=[200_000], ranges=False)
    assert catalogue_of(entry_of(UrlSource(f"{server.url}/m")), folder).pull("m").read_bytes() == BODY


def test_beginning_of_an_older_file_is_thrown_away(folder: Path, server: FileServer) -> None:
    server.files["/m"] = Served(noise(len(BODY), seed=2), drops=[300_000, 0, 0, 0])
    catalogue = catalogue_of(entry_of(UrlSource(f"{server.url}/m")), folder)
    with pytest.raises(ModelError):
        catalogue.pull("m")
    server.files["/m"] = Served(BODY)
    assert catalogue.pull("m").read_bytes() == BODY


def test_wrong_content_is_not_installed(folder: Path, server: FileServer) -> None:
    server.files["/m"] = Served(noise(len(BODY), seed=2))
    with pytest.raises(ModelError, match="other content"):
        catalogue_of(entry_of(UrlSource(f"{server.url}/m")), folder).pull("m")
    assert installed_files(folder) == []
    assert not list((folder / ".fetch" / "m").iterdir())


def test_source_may_have_bytes_of_its_own(folder: Path, server: FileServer) -> None:
    other = noise(len(BODY), seed=2)
    server.files["/m"] = Served(other)
    catalogue = catalogue_of(entry_of(UrlSource(f"{server.url}/m", sha256(other))), folder)
    assert catalogue.pull("m").read_bytes() == other
    assert catalogue.verify("m")


@pytest.mark.parametrize("announced", [True, False])
def test_too_large_is_cut_off(folder: Path, server: FileServer, announced: bool) -> None:
    server.files["/m"] = Served(BODY + bytes(50_000_000), announced=announced)
    with pytest.raises(ModelError, match="larger than the 700000 bytes"):
        catalogue_of(entry_of(UrlSource(f"{server.url}/m")), folder).pull("m")
    assert all(file.stat().st_size <= len(BODY) for file in folder.rglob("*") if file.is_file())


def test_next_source_after_404(folder: Path, server: FileServer) -> None:
    server.files["/m"] = Served(BODY)
    entry = entry_of(UrlSource(f"{server.url}/gone"), UrlSource(f"{server.url}/m"))
    assert catalogue_of(entry, folder).pull("m").read_bytes() == BODY
    assert [path for path, _ in server.requests] == ["/gone", "/m"]


def test_busy_server_is_asked_again_a_few_times(folder: Path, server: FileServer) -> None:
    server.files["/m"] = Served(status=503)
    with pytest.raises(ModelError, match="HTTP 503"):
        catalogue_of(entry_of(UrlSource(f"{server.url}/m")), folder).pull("m")
    assert len(server.requests) == 3


def test_the_error_has_every_reason(folder: Path, server: FileServer) -> None:
    entry = entry_of(UrlSource(f"{server.url}/gone"), UrlSource("http://models.invalid/m"))
    with pytest.raises(ModelError, match=r"gone: HTTP 404; .*models\.invalid/m is not an https") as raised:
        catalogue_of(entry, folder).pull("m")
    assert "RIDER_MODEL_PATH" in str(raised.value.remedy)


def test_redirect_to_plain_http_is_refused(folder: Path, server: FileServer) -> None:
    server.files["/m"] = Served(status=302, headers={"Location": f"{server.url}/elsewhere"})
    server.files["/elsewhere"] = Served(BODY)
    with pytest.raises(ModelError, match="elsewhere, which is not https"):
        catalogue_of(entry_of(UrlSource(f"{server.url}/m")), folder).pull("m")
    assert [path for path, _ in server.requests] == ["/m"]


def test_a_full_disk_is_an_error_before_the_download(
    folder: Path, server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.files["/m"] = Served(BODY)
    nearly_full = shutil.disk_usage("/")._replace(free=1 << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: nearly_full)
    with pytest.raises(ModelError, match="1 MB free") as raised:
        catalogue_of(entry_of(UrlSource(f"{server.url}/m")), folder).pull("m")
    assert "free some space" in str(raised.value.remedy)
    assert server.requests == []


def test_two_pulls_at_once_fetch_once(folder: Path, server: FileServer) -> None:
    server.files["/m"] = Served(BODY)
    server.hold = threading.Event()
    entry = entry_of(UrlSource(f"{server.url}/m"))
    results: list[Path] = []
    waiting = threading.Event()

    def note(phase: str, done: int, total: int) -> None:
        if phase.startswith("waiting"):
            waiting.set()

    threads = [
        threading.Thread(target=lambda: results.append(catalogue_of(entry, folder).pull("m", note))) for _ in "12"
    ]
    for thread in threads:
        thread.start()
    assert waiting.wait(10)
    server.hold.set()
    for thread in threads:
        thread.join(10)
    assert results == [folder / "m.bin"] * 2
    assert len(server.requests) == 1
