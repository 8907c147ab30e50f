"""Files to download: a backup, and the support bundle."""

from __future__ import annotations

import io
import json
import zipfile

from rest_harness import RestHarness

PASSWORD = "correct-horse-17"


def archive(rest: RestHarness, method: str, path: str) -> dict[str, str]:
    """The files of the archive that is answered."""
    answer = rest.sent(method, path, auth=("rider", PASSWORD))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"].startswith('attachment; filename="rider-')
    assert answer.headers["cache-control"] == "no-store"
    assert "application/zip" in rest.document["paths"][f"/api/v1{path}"][method.lower()]["responses"]["200"]["content"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as opened:
        return {name: opened.read(name).decode() for name in opened.namelist()}


def test_a_backup_has_what_was_saved_and_is_in_the_audit_log(rest: RestHarness) -> None:
    rest.start(RIDER_WEB_PASSWORD=PASSWORD)
    admin = {"auth": ("rider", PASSWORD)}
    rest.ask("PUT", "/prompts/robot/pl", json={"text": "Mów krótko."}, **admin)
    rest.ask(
        "PUT",
        "/schedules/daily",
        200,
        json={"cron": "@daily", "task": "text.generate", "payload": {"prompt": "x"}},
        **admin,
    )
    files = archive(rest, "POST", "/backups")
    assert "Mów krótko." in files["tables/system_prompts.jsonl"]
    assert json.loads(files["schedules.jsonl"])["id"] == "daily"
    assert set(json.loads(files["manifest.json"])["files"]) == files.keys() - {"manifest.json"}
    entry = rest.ask("GET", "/audit", **admin)["entries"][0]
    assert (entry["who"], entry["action"]) == ("rider", "make_backup")


def test_the_support_bundle_is_what_was_shown(rest: RestHarness) -> None:
    rest.start(RIDER_WEB_PASSWORD=PASSWORD)
    shown = rest.ask("GET", "/support", auth=("rider", PASSWORD))["files"]
    files = archive(rest, "GET", "/support/bundle")
    assert {file["name"]: file["text"] for file in shown} == files
    assert PASSWORD not in str(shown)
    assert PASSWORD not in str(files)
