"""Starts the processes of these tests once for all of them, and creates OpenAI's own client."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
import slow_engines
from harness import plain_http
from panel_harness import PanelHarness

from rider_core.jobs import RedisJobBackend
from rider_core.jobs.rq_lists import RQLists
from rider_core.testing.processes import Processes, install_plugin
from rider_core.testing.valkey import Valkey
from rider_core.testing.waiting import wait_until

#: Plugins that these tests load; other installed ones are disabled.
PLUGINS = ("echo", "espeak", "voice-whisper")
SHARED = Path(__file__).parents[4] / "shared"
MODEL_FILE = "ggml-base-q8_0.bin"


class OpenAIHarness:
    """Valkey, one worker, one panel.

    Attributes:
        folder: For files that the engines wait for.
        models, media: Folders of the model files and the recordings.
    """

    models = Path(os.environ.get("RIDER_MODEL_PATH") or SHARED / "models")
    media = SHARED / "media"

    def __init__(self, folders: pytest.TempPathFactory, mode: str) -> None:
        self.folder = folders.mktemp(mode)
        self.mode = mode
        self._valkey = Valkey(folders.mktemp("v"))
        self.processes = Processes(self.folder)
        self.panel = PanelHarness(self.processes, self._valkey, mode)
        self.backend = RedisJobBackend(self.panel.connection, RQLists())
        self.stopped = self.folder / "stopped"
        self.slow_models = self.folder / "slow-models"
        self._clients: list[openai.OpenAI] = []

    def start(self) -> None:
        install_plugin(self.folder, "slow-engines", slow_engines.SOURCE)
        environment = self.processes.environment
        disabled = set(environment["RIDER_PLUGINS_DISABLED"].split(",")) - set(PLUGINS)
        environment.update(
            RIDER_PLUGINS_DISABLED=",".join(sorted(disabled)),
            RIDER_PROVIDERS='{"text_to_speech": "espeak"}',
            RIDER_MODEL_PATH=str(self.models),
            STOPPED=str(self.stopped),
            SLOW_MODELS=str(self.slow_models),
        )
        self.processes.start("-m", "rider_core.cli.main", "worker", log="worker.log")
        self.panel.start()
        self.client()
        wait_until(lambda: sum(stats.workers for stats in self.backend.stats()) == 3, 60, "a worker of three queues")

    def end(self) -> None:
        for client in self._clients:
            client.close()
        self.processes.end_all()
        self.backend.close()
        self.panel.connection.close()
        self._valkey.stop()

    @property
    def url(self) -> str:
        """The value of OPENAI_BASE_URL."""
        return f"{self.panel.url}/v1"

    def client(self, **options: Any) -> openai.OpenAI:
        """OpenAI's client, by default without retries.

        Without options it is always the same one: creating it takes longer than most requests.
        """
        if not options and self._clients:
            return self._clients[0]
        wanted = {"base_url": self.url, "api_key": "none", "max_retries": 0, "timeout": 30, **options}
        self._clients.append(openai.OpenAI(**wanted))
        return self._clients[-1]

    def post(self, path: str, **options: Any) -> httpx.Response:
        return plain_http.post(self.url + path, **{"timeout": 30, **options})

    @property
    def cancelled(self) -> int:
        """The number of jobs that were cancelled so far."""
        return sum(figures.cancelled for figures in self.backend.figures())

    def wait_for_cancelled(self, before: int) -> None:
        """Wait until one more job than `before` is cancelled."""
        wait_until(lambda: self.cancelled == before + 1, what="the job's cancellation")

    def notes(self) -> list[str]:
        """Streams that were stopped early, in order: ENGINE:COMMAND."""
        return self.stopped.read_text().split() if self.stopped.exists() else []
