"""An error in one plugin does not affect the others."""

from __future__ import annotations

import sys
import textwrap
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from rider_core.api import SpeechToText, TextToSpeech
from rider_core.errors import ConfigError, PluginError, ProviderUnavailable
from rider_core.pluginhost import PluginHost, PluginRecord, PluginState

GOOD = """
from rider_core.api import SpeechToText, hookimpl
RIDER_API = "1.0"
class Ear(SpeechToText):
    name = "{name}"
    mock = {mock}
    def transcribe_batch(self, clips, language):
        raise NotImplementedError
@hookimpl
def register_providers(register):
    register(Ear)
"""


class Plugins:
    """Writes plugin modules and loads them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.points: list[EntryPoint] = []

    def add(self, name: str, source: str) -> None:
        module = f"made_{self.folder.name}_{name.replace('-', '_')}"
        (self.folder / f"{module}.py").write_text(textwrap.dedent(source))
        self.points.append(EntryPoint(name, module, "rider_core.plugins"))

    def load(self, **options: object) -> PluginHost:
        host = PluginHost(**options)  # type: ignore[arg-type]
        host.load(self.points)
        return host

    def record(self, name: str, **options: object) -> PluginRecord:
        return {record.name: record for record in self.load(**options).records()}[name]


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plugins:
    folder = tmp_path / "modules"
    folder.mkdir()
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    for name in [name for name in sys.modules if name.startswith("made_")]:
        del sys.modules[name]
    return Plugins(folder)


def test_a_good_plugin_is_loaded_and_attributed(plugins: Plugins) -> None:
    plugins.add("good", GOOD.format(name="ear", mock=False))
    record = plugins.record("good")
    assert (record.state, record.providers) == (PluginState.LOADED, ["ear"])


@pytest.mark.parametrize(
    ("source", "state", "reason"),
    [
        ("raise RuntimeError('no engine')", PluginState.FAILED, "RuntimeError: no engine"),
        ("import sys; sys.exit(3)", PluginState.FAILED, "SystemExit: 3"),
        ("x =", PluginState.FAILED, "SyntaxError"),
        ("RIDER_API = '2.0'", PluginState.INCOMPATIBLE, "made for plugin API 2.0, this is 1.0"),
        ("RIDER_API = '1.9'", PluginState.INCOMPATIBLE, "made for plugin API 1.9"),
        ("pass", PluginState.INCOMPATIBLE, 'add RIDER_API = "1.0"'),
        ("RIDER_API = 'new'", PluginState.INCOMPATIBLE, "'new'"),
        (
            GOOD.format(name="ear", mock=False).replace("def register_providers", "def register_provider"),
            PluginState.FAILED,
            "there is no hook 'register_provider' (did you mean 'register_providers'?)",
        ),
        (
            GOOD.format(name="ear", mock=False).replace("@hookimpl", "# @hookimpl"),
            PluginState.FAILED,
            "its register_providers is not marked as a hook (write @hookimpl (rider_core.api) above it)",
        ),
        (GOOD.format(name="ear", mock=False).replace("(register):", "(registre):"), PluginState.FAILED, "registre"),
        (GOOD.format(name="Big Ear", mock=False), PluginState.FAILED, "Big Ear"),
        (GOOD.format(name="ear", mock=False).replace("transcribe_batch", "listen"), PluginState.FAILED, "is abstract"),
        (
            GOOD.format(name="ear", mock=False).replace("register(Ear)", "register(Ear); raise ValueError('late')"),
            PluginState.FAILED,
            "ValueError: late",
        ),
    ],
)
def test_a_bad_plugin_is_recorded_with_its_reason(
    plugins: Plugins, source: str, state: PluginState, reason: str
) -> None:
    plugins.add("bad", source)
    plugins.add("good", GOOD.format(name="other-ear", mock=False))
    host = plugins.load()
    bad, good = host.records()
    assert bad.state is state
    assert reason in bad.reason
    assert bad.providers == []
    assert good.loaded
    assert list(host.registry.providers) == ["other-ear"]
    assert bool(bad.traceback) == (state is PluginState.FAILED)


def test_two_providers_of_one_name_are_refused(plugins: Plugins) -> None:
    plugins.add("first", GOOD.format(name="ear", mock=False))
    plugins.add("second", GOOD.format(name="ear", mock=False))
    host = plugins.load()
    first, second = host.records()
    assert first.loaded
    assert "already registered by plugin 'first'" in second.reason


def test_disabled_and_safe_mode(plugins: Plugins) -> None:
    plugins.add("good", GOOD.format(name="ear", mock=False))
    assert plugins.record("good", disabled=("good",)).state is PluginState.DISABLED
    assert plugins.record("good", safe_mode=True).reason == "safe mode"


def test_a_required_plugin_must_work(plugins: Plugins) -> None:
    plugins.add("bad", "raise RuntimeError('no engine')")
    with pytest.raises(PluginError, match="'bad' is required, but RuntimeError: no engine"):
        plugins.load(required=("bad",))
    with pytest.raises(PluginError, match="'absent' is required, but it is not installed"):
        plugins.load(required=("absent",))


def test_a_raising_notification_does_not_stop_the_others(plugins: Plugins) -> None:
    hook = """
    from rider_core.api import hookimpl
    RIDER_API = "1.0"
    started = []
    @hookimpl
    def on_startup(services):
        started.append(services)
        {more}
    """
    plugins.add("a-bad", hook.format(more="raise RuntimeError('boom')"))
    plugins.add("b-good", hook.format(more="pass"))
    plugins.add("z-bad", hook.format(more="raise RuntimeError('boom')"))
    host = plugins.load()
    host.notify("on_startup", services="S")
    assert all(sys.modules[point.module].started == ["S"] for point in plugins.points)
    assert [bool(record.traceback) for record in host.records()] == [True, False, True]


def test_a_mock_is_never_chosen_unasked(plugins: Plugins) -> None:
    plugins.add("mock", GOOD.format(name="a-mock", mock=True))
    registry = plugins.load().registry
    with pytest.raises(ProviderUnavailable, match="there is: a-mock"):
        registry.choose(SpeechToText, None)
    assert registry.choose(SpeechToText, "a-mock").mock
    with pytest.raises(ConfigError, match="choose from: a-mock"):
        registry.choose(SpeechToText, "ear")
    with pytest.raises(ProviderUnavailable, match="none is installed"):
        registry.choose(TextToSpeech, None)
    plugins.add("real", GOOD.format(name="z-real", mock=False))
    assert plugins.load().registry.choose(SpeechToText, None).name == "z-real"


PAGES = """
from rider_core.api import PanelCard, PanelPage, hookimpl
RIDER_API = "1.0"
@hookimpl
def register_routes(register):
    register("a blueprint")
@hookimpl
def register_pages(register):
    {registers}
@hookimpl
def on_event(event):
    pass
"""


def test_what_a_plugin_registers_is_known(plugins: Plugins) -> None:
    plugins.add("a", PAGES.format(registers="register(PanelPage(title='Arm', path='/arm'))"))
    plugins.add("b", GOOD.format(name="ear", mock=False))
    host = plugins.load()
    assert host.registry.registered_by("a") == [("page", "/arm"), ("route", "str")]
    assert host.hooks_of("a") == ["on_event", "register_pages", "register_routes"]
    assert (host.registry.registered_by("b"), host.hooks_of("c")) == ([("provider", "ear")], [])


@pytest.mark.parametrize(
    ("registers", "reason"),
    [
        ("register('/arm')", "'/arm' is no page"),
        ("register(PanelPage(title='Arm', path='//evil.example/'))", "path"),
        ("register(PanelPage(title='Arm', path='/../x'))", "path"),
        ("register(PanelPage(title='Arm', path='javascript:alert(1)'))", "path"),
        ("register(PanelCard(title='', path='/arm'))", "title"),
        ("[register(PanelPage(title='Arm', path=f'/arm/{n}')) for n in range(9)]", "more than 4 pages"),
    ],
)
def test_a_wrong_page_leaves_nothing_of_its_plugin(plugins: Plugins, registers: str, reason: str) -> None:
    plugins.add("bad", PAGES.format(registers=registers))
    plugins.add("good", PAGES.format(registers="register(PanelPage(title='Leg', path='/leg'))"))
    host = plugins.load()
    bad, good = host.records()
    assert bad.state is PluginState.FAILED
    assert reason in bad.reason
    assert good.loaded
    assert (list(host.registry.pages), len(host.registry.routes)) == (["/leg"], 1)
