"""A real Prometheus that scrapes a panel each second, and a real Alertmanager behind it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
from expressions import RULES
from harness import plain_http

from rider_core.testing.ports import free_port
from rider_core.testing.waiting import wait_until


class Prometheus:
    """
    Attributes:
        url: Of its HTTP interface.
    """

    def __init__(self, folder: Path, target: str, windows: dict[str, str]) -> None:
        """
        Args:
            target: Host and port of the panel.
            windows: Replaces texts of our rules: the times for which an alert's condition lasts, and time ranges.
        """
        self.folder = folder
        self._target = target
        self._windows = windows
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, **scrape: Any) -> None:
        """Start it, and wait until it has scraped the panel.

        Args:
            scrape: Further keys of the scrape's configuration.
        """
        program = shutil.which("prometheus")
        assert program, "apt-get install prometheus"
        self.folder.mkdir(exist_ok=True)
        for file in RULES:
            (self.folder / file.name).write_text(self.shortened(file.read_text()))
        scraped = {"job_name": "rider-pc", "static_configs": [{"targets": [self._target]}], **scrape}
        configuration = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": ["*.rules.yml"],
            "scrape_configs": [scraped],
        }
        (self.folder / "prometheus.yml").write_text(json.dumps(configuration))
        with (self.folder / "prometheus.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    program,
                    f"--config.file={self.folder / 'prometheus.yml'}",
                    f"--storage.tsdb.path={self.folder / 'data'}",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                    "--query.lookback-delta=5s",
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        wait_until(lambda: self.query("up") and self.query("up")[0]["value"][1] == "1", 30, "the first scrape")

    def shortened(self, text: str) -> str:
        """A rule file with the test's short times."""
        for old, new in self._windows.items():
            text = re.sub(old, new, text)
        return text

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The series of an instant query; none while it does not answer. Raises where the expression is wrong."""
        try:
            response = plain_http.get(f"{self.url}/api/v1/query", params={"query": expression})
        except httpx.TransportError:
            return []
        if response.status_code == 503:  # it reads its files
            return []
        answer = response.json()
        assert answer["status"] == "success", f"{expression}: {answer}"
        data = answer["data"]
        if data["resultType"] == "scalar":
            return [{"metric": {}, "value": data["result"]}]
        return [dict(series) for series in data["result"]]

    def firing(self) -> set[str]:
        """The names of the alerts that fire."""
        return {series["metric"]["alertname"] for series in self.query('ALERTS{alertstate="firing"}')}

    def end(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)
