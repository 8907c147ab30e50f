"""Settings of providers over HTTP: secrets stay secret, and nobody overwrites what they have not seen."""

from __future__ import annotations

import pytest
from rest_harness import RestHarness

from rider_core.testing.processes import install_plugin

pytestmark = pytest.mark.slow

PLUGIN = """
from pydantic import Field, SecretStr
from rider_core.api import GenerationEnd, ProviderConfig, TextGenerator, hookimpl

RIDER_API = "1.0"


class Config(ProviderConfig):
    beams: int = Field(1, ge=1, description="number of beams")
    credentials: SecretStr | None = Field(None, description="user and password")
    api_key: str = Field("", description="a key")
    address: str = Field("", description="an address")


class Secretive(TextGenerator):
    name = "secretive"
    Config = Config

    def generate_stream(self, request):
        yield GenerationEnd()


@hookimpl
def register_providers(register):
    register(Secretive)
"""
PATH = "/providers/secretive/settings"
SECRETS = {"credentials": "ola:s3cret", "api_key": "k3y-s3cret", "address": "http://ola:s3cret@host/"}


def test_settings_are_saved_shown_and_reset(rest: RestHarness) -> None:
    install_plugin(rest.panel.processes.folder, "secretive", PLUGIN)
    rest.start()
    shown = rest.answer("GET", PATH)
    assert shown.json()["values"] == {"beams": 1, "credentials": None, "api_key": "", "address": ""}
    assert shown.json()["json_schema"]["properties"]["beams"]["description"] == "number of beams"
    seen = {"If-Match": shown.headers["etag"]}
    saved = rest.answer("PATCH", PATH, json={"values": {"beams": 4}}, headers=seen)
    assert (saved.json()["values"]["beams"], saved.json()["saved"]) == (4, {"beams": 4})
    assert rest.problem("PATCH", PATH, 412, json={"values": {"beams": 5}}, headers=seen)[0] == "changed_meanwhile"
    assert "beams" in rest.problem("PATCH", PATH, 400, json={"values": {"beams": 0}})[1]
    assert "there is no teams" in rest.problem("PATCH", PATH, 400, json={"values": {"teams": 2}})[1]
    assert rest.ask("DELETE", PATH, headers={"If-Match": saved.headers["etag"]})["saved"] == {}
    rest.problem("GET", "/providers/nobody/settings", 404)
    place = {it["name"]: it["place"] for it in rest.ask("GET", "/providers")["providers"]}
    assert (place["secretive"], place["echo-text"]) == (1, None), "a mock is used by its name only"


def test_secrets_are_never_shown_and_survive_what_is_sent_as_it_is_shown(rest: RestHarness) -> None:
    install_plugin(rest.panel.processes.folder, "secretive", PLUGIN)
    rest.start()
    first = rest.answer("PATCH", PATH, json={"values": SECRETS})
    shown = rest.ask("GET", PATH)["values"]
    second = rest.answer("PATCH", PATH, json={"values": {**shown, "beams": 2}})
    for answer in (first, second, rest.answer("GET", PATH), rest.answer("GET", "/audit")):
        assert "s3cret" not in answer.text
    stored = rest.panel.database.read_bytes() + rest.panel.database.with_name("rider.db-wal").read_bytes()
    assert b"k3y-s3cret" in stored, "they are saved nonetheless"
    assert rest.ask("GET", PATH)["saved"].keys() == {*SECRETS, "beams"}
    for values in ({"credentials": "***:new"}, {"api_key": "***x"}):
        assert "is shown for a secret" in rest.problem("PATCH", PATH, 400, json={"values": values})[1]


def test_exactly_these_are_saved_and_the_log_tells_what_was_before(rest: RestHarness) -> None:
    install_plugin(rest.panel.processes.folder, "secretive", PLUGIN)
    rest.start()
    rest.ask("PATCH", PATH, json={"values": {**SECRETS, "beams": 2}})
    first = rest.answer("GET", PATH)
    seen, shown = {"If-Match": first.headers["etag"]}, first.json()["saved"]
    rest.ask("PUT", PATH, json={"values": {"beams": 3, "api_key": shown["api_key"]}}, headers=seen)
    assert rest.ask("GET", PATH)["saved"] == {"beams": 3, "api_key": shown["api_key"]}
    stored = rest.panel.database.read_bytes() + rest.panel.database.with_name("rider.db-wal").read_bytes()
    assert b"k3y-s3cret" in stored, "a secret that is sent as it is shown stays"
    assert rest.problem("PUT", PATH, 412, json={"values": {}}, headers=seen)[0] == "changed_meanwhile"
    assert "is shown for a secret" in rest.problem("PUT", PATH, 400, json={"values": shown})[1]
    assert rest.ask("PUT", PATH, json={"values": {}})["saved"] == {}
    rest.ask("PATCH", PATH, json={"values": {"beams": 1}})
    assert rest.ask("GET", "/audit")["entries"][0]["after"] == {}, "it is 1 by default"
    rest.ask("PATCH", "/providers/secretive", json={"enabled": True})
    for target in (f"/api/v1{PATH}", "/api/v1/providers"):
        entries = rest.ask("GET", "/audit", params={"target": target})["entries"]
        assert [it["action"] for it in entries][-3:] == ["replace_settings", "replace_settings", "save_settings"]
    assert len(entries) == 5
    assert (entries[3]["before"], entries[3]["after"]) == (shown, {"beams": 3, "api_key": shown["api_key"]})
    assert rest.ask("GET", "/audit", params={"target": "/api/v1/provid"})["entries"] == []
