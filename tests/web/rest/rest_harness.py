"""Requests to a panel's REST interface. Each answer must be one that the panel's own OpenAPI document describes."""

from __future__ import annotations

import re
from typing import Any

import httpx
import jsonschema
from argon2 import PasswordHasher
from harness import plain_http
from panel_harness import PanelHarness

from rider_core.api.roles import Role
from rider_core.database import Database
from rider_core.database.account_store import AccountStore
from rider_core.jobs import RedisJobBackend
from rider_core.jobs.rq_lists import RQLists
from rider_core.runtime.api_tokens import new_token

#: Hashes passwords with the least work that Argon2 allows. Ours take 50 ms of a processor and 64 MiB each, and the
#: panel checks a password as its hash says.
quickly = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class RestHarness:
    """
    Attributes:
        backend: Of the same Redis, to make jobs, and to play their worker.
        accounts: Of the panel's database, as `rider users` writes it.
        headers: Of each request.
    """

    def __init__(self, panel: PanelHarness, database_url: str | None = None) -> None:
        """
        Args:
            database_url: Of an empty database; None: SQLite's that the panel has anyway.
        """
        self.panel = panel
        self.backend = RedisJobBackend(panel.connection, RQLists())
        self.headers: dict[str, str] = {}
        self._client = httpx.Client(trust_env=False, timeout=20)
        self.database_url = database_url or f"sqlite:///{panel.database}"
        self._database = Database(self.database_url)
        self._database.upgrade()
        self.accounts = AccountStore(self._database)
        self._document: dict[str, Any] = {}
        self._token = new_token("harness", Role.READ, "test", None)

    def start(self, **environment: str) -> None:
        """Start the panel, with the echo engines. It knows a token with which the harness gets the document."""
        if not self._document:
            self.accounts.add_token(self._token.stored)
        others = set(self.panel.processes.environment["RIDER_PLUGINS_DISABLED"].split(",")) - {"echo"}
        environment = {"DATABASE_URL": self.database_url, **environment}
        self.panel.start(RIDER_PLUGINS_DISABLED=",".join(sorted(others)), **environment)

    @property
    def document(self) -> dict[str, Any]:
        """The OpenAPI document."""
        if not self._document:
            answer = plain_http.get(
                f"{self.panel.url}/api/v1/openapi.json", headers={"Authorization": f"Bearer {self._token.text}"}
            )
            assert answer.status_code == 200, answer.text
            self._document = answer.json()
        return self._document

    def ask(self, method: str, path: str, status: int = 200, **options: Any) -> Any:
        """The JSON of the answer, which must have that status."""
        return self.answer(method, path, status, **options).json()

    def answer(self, method: str, path: str, status: int = 200, **options: Any) -> httpx.Response:
        answer = self.sent(method, path, **options)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text[:600]}"
        self._check(method, path, answer)
        return answer

    def sent(self, method: str, path: str, **options: Any) -> httpx.Response:
        """The answer, whatever it is."""
        headers = {**self.headers, **options.pop("headers", {})}
        return self._client.request(method, f"{self.panel.url}/api/v1{path}", headers=headers, **options)

    @property
    def cookie(self) -> str:
        """The header with the client's cookies."""
        return "; ".join(f"{name}={value}" for name, value in self._client.cookies.items())

    def problem(self, method: str, path: str, status: int, **options: Any) -> tuple[str, str]:
        """Code and detail of a problem."""
        answer = self.answer(method, path, status, **options)
        assert answer.headers["content-type"] == "application/problem+json"
        body = answer.json()
        assert body["status"] == status
        return body["code"], body["detail"]

    def forget_cookies(self) -> None:
        self._client.cookies.clear()

    def close(self) -> None:
        self._client.close()
        self._database.close()
        self.backend.close()

    def _check(self, method: str, path: str, answer: httpx.Response) -> None:
        operation = self._operation(method, "/api/v1" + path.partition("?")[0])
        if operation is None:
            assert answer.status_code in (404, 405), f"{method} {path} is not in the document"
            return
        described = operation["responses"].get(str(answer.status_code))
        assert described is not None, f"{method} {path}: {answer.status_code} is not in the document"
        if not answer.content:
            assert "content" not in described
            return
        kind = answer.headers["content-type"]
        assert kind in described["content"], f"{method} {path}: {kind} is not in the document"
        schema = {**described["content"][kind]["schema"], "components": self.document["components"]}
        jsonschema.validate(answer.json(), schema, cls=jsonschema.Draft202012Validator)

    def _operation(self, method: str, path: str) -> dict[str, Any] | None:
        for template in self.document["paths"]:
            if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), path):
                found: dict[str, Any] | None = self.document["paths"][template].get(method.lower())
                if found is not None:
                    return found
        return None
