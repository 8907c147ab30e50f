"""The contract of every provider, whatever its domain: name, settings, health, opening and closing."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from rider_core.api.health import Health, HealthStatus
from rider_core.api.provider import Provider, ProviderConfig, ProviderContext
from rider_core.pluginhost.registry import PluginRegistry

#: Health is asked for while a page is drawn; a second is what "quick" can mean at the utmost on a busy machine.
_HEALTH_LIMIT_S = 1.0


class ProviderContract:
    """Base of the domains' contracts; subclass one of those.

    Attributes:
        provider_class: The provider under test.
        mock: What its `mock` flag must say.
        settings: Settings to open it with; the rest has its defaults.
        thread_end_s: How long its threads may take to end after they were told to, in seconds.
    """

    provider_class: ClassVar[type[Provider]]
    mock: ClassVar[bool] = False
    settings: ClassVar[dict[str, Any]] = {}
    thread_end_s: ClassVar[float] = 5.0

    @classmethod
    def context(cls) -> ProviderContext:
        """What the provider gets from the core. Override it where the provider needs model files."""
        return ProviderContext()

    @classmethod
    def new_provider(cls) -> Any:
        """A provider that was not opened."""
        return cls.provider_class(cls.provider_class.Config(**cls.settings), cls.context())

    @pytest.fixture(scope="class")
    @classmethod
    def provider(cls) -> Iterator[Any]:
        """An open provider. One for all tests of the class: so each shows that the one before did no harm."""
        provider = cls.new_provider()
        provider.open()
        yield provider
        provider.close()

    def test_the_plugin_host_takes_it(self) -> None:
        PluginRegistry().add_provider("under-test", self.provider_class)

    def test_mock_flag(self) -> None:
        assert self.provider_class.mock is self.mock, (
            f"mock is {self.provider_class.mock!r}, not {self.mock}: results that are made up must say so"
        )

    def test_config_refuses_unknown_keys(self) -> None:
        with pytest.raises(ValidationError, match="no_such_setting"):
            self.provider_class.Config(**{**self.settings, "no_such_setting": 1})

    def test_config_is_described(self) -> None:
        config = self.provider_class.Config
        assert issubclass(config, ProviderConfig)
        bare = [name for name, field in config.model_fields.items() if not (field.description or "").strip()]
        assert not bare, f"these settings have no description: {', '.join(bare)}"
        json.dumps(config.model_json_schema())

    def test_health_without_open(self) -> None:
        provider = self.new_provider()
        started = time.monotonic()
        health = provider.health()
        elapsed_s = time.monotonic() - started
        _check_health(health)
        assert elapsed_s < _HEALTH_LIMIT_S, f"health() took {elapsed_s:.1f} s: it must load nothing"

    def test_health_when_open_from_another_thread(self, provider: Provider) -> None:
        answers: list[object] = []
        thread = threading.Thread(target=lambda: answers.append(provider.health()))
        thread.start()
        thread.join(_HEALTH_LIMIT_S)
        assert answers, "health() failed or hung in another thread"
        assert _check_health(answers[0]).status is not HealthStatus.UNAVAILABLE, "open, but it says unavailable"

    def test_open_and_close(self) -> None:
        before = set(threading.enumerate())
        provider = self.new_provider()
        provider.open()
        provider.close()
        self.check_no_new_threads(before)

    @classmethod
    def check_no_new_threads(cls, before: set[threading.Thread]) -> None:
        """Fail when threads that are not in `before` do not end."""
        for thread in set(threading.enumerate()) - before:
            thread.join(cls.thread_end_s)
            assert not thread.is_alive(), f"thread {thread.name} was left behind"


def _check_health(health: object) -> Health:
    assert isinstance(health, Health), f"health() returned {health!r}, not a Health"
    assert health.status is HealthStatus.OK or health.reason, f"health is {health.status.value} without a reason"
    return health
