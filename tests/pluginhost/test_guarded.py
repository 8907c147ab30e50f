"""Guarded calls: whatever a provider's methods raise or return, the caller gets the right type, or an error."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from pydantic import ValidationError

from rider_core.api import Health, HealthStatus, ProviderContext, SpeechToText, Transcript
from rider_core.errors import ConfigError, ProviderBroken, RiderError
from rider_core.pluginhost import guarded


class Unshowable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("not even this")

    __repr__ = __str__


#: Exceptions that plugins have raised.
RAISED = [RuntimeError("x" * 10_000), SystemExit(3), KeyboardInterrupt(), Unshowable(), RecursionError(), MemoryError()]
#: Values of wrong types that they have returned.
GIVEN: list[Any] = ["text", None, ["a"], b"bytes", 7, object(), {"a": 1}, SpeechToText]


class StubSpeechToText(SpeechToText):
    """Each of its methods calls `act`."""

    name = "ear"
    act: Callable[[], Any] = staticmethod(lambda: None)

    def transcribe_batch(self, clips: Any, language: str | None) -> Any:
        return self.act()

    def health(self) -> Any:
        return self.act()

    def required_models(self) -> Any:
        return self.act()

    def open(self) -> Any:
        return self.act()

    def close(self) -> Any:
        return self.act()

    def details(self) -> Any:
        return self.act()


def stub(act: Callable[[], Any]) -> StubSpeechToText:
    made = StubSpeechToText(None, ProviderContext())
    made.act = act
    return made


def raising(error: BaseException) -> Callable[[], Any]:
    def act() -> Any:
        raise error

    return act


@pytest.mark.parametrize("error", RAISED, ids=lambda it: type(it).__name__)
class TestRaised:
    def test_in_the_constructor(self, error: BaseException) -> None:
        class Late(StubSpeechToText):
            def __init__(self, config: Any, context: ProviderContext) -> None:
                raise error

        with pytest.raises(ProviderBroken, match=rf"^ear: Late\(\) raised {type(error).__name__}") as raised:
            guarded.make(Late, None, ProviderContext())
        assert len(str(raised.value)) < 400

    def test_in_each_method(self, error: BaseException) -> None:
        broken = stub(raising(error))
        with pytest.raises(ProviderBroken, match=r"^ear: open\(\) raised"):
            guarded.open_engine(broken)
        with pytest.raises(ProviderBroken, match=r"^ear: required_models\(\) raised"):
            guarded.required_models_of(broken)
        guarded.close_engine(broken)
        assert guarded.details_of(broken) == {}
        health = guarded.health_of(broken)
        assert (health.status, health.reason[:20]) == (HealthStatus.UNAVAILABLE, "ear: health() raised")

    def test_while_it_works(self, error: BaseException) -> None:
        def pieces() -> Iterator[str]:
            yield "a"
            raise error

        expected = type(error) if isinstance(error, Exception) else ProviderBroken
        broken = stub(raising(error))
        with pytest.raises(expected):
            guarded.result_of(broken, "transcribe_batch()", list, lambda: broken.transcribe_batch([], None))
        stream = guarded.pieces_of(broken, "generate_stream()", str, pieces)
        assert next(stream) == "a"
        with pytest.raises(expected):
            next(stream)


@pytest.mark.parametrize("given", GIVEN, ids=lambda it: type(it).__name__)
class TestGiven:
    def test_by_each_method(self, given: Any) -> None:
        broken = stub(lambda: given)
        health = guarded.health_of(broken)
        assert health.status is HealthStatus.UNAVAILABLE
        assert health.reason.startswith("ear: health() must give a Health, it gave")
        if given != ["a"]:
            with pytest.raises(ProviderBroken, match=r"^ear: required_models\(\) must give a tuple of names, it gave"):
                guarded.required_models_of(broken)
        assert guarded.details_of(broken) == ({"a": "1"} if isinstance(given, dict) else {})

    def test_as_a_result_and_as_a_piece(self, given: Any) -> None:
        broken = stub(lambda: given)
        with pytest.raises(ProviderBroken, match=r"^ear: transcribe\(\) must give a Transcript, it gave"):
            guarded.result_of(broken, "transcribe()", Transcript, lambda: given)
        with pytest.raises(ProviderBroken, match=r"^ear: listen\(\) must yield a Transcript, it yielded"):
            next(guarded.pieces_of(broken, "listen()", Transcript, lambda: iter([given])))
        if not isinstance(given, list):
            with pytest.raises(ProviderBroken, match=r"^ear: listen\(\) must give a generator, it gave"):
                next(guarded.pieces_of(broken, "listen()", Transcript, lambda: given))


def test_our_own_errors_and_ctrl_c_pass() -> None:
    for error in (ConfigError("so"), guarded.Interrupted()):
        with pytest.raises(type(error)):
            guarded.open_engine(stub(raising(error)))
        with pytest.raises(type(error)):
            guarded.result_of(stub(raising(error)), "x()", list, raising(error))


def test_correct_results_pass() -> None:
    well = Health.ok("fine")
    assert guarded.health_of(stub(lambda: well)) is well
    assert guarded.required_models_of(stub(lambda: ["a", "b"])) == ("a", "b")
    stream = guarded.pieces_of(stub(lambda: None), "x()", str, lambda: (it for it in "ab"))
    assert list(stream) == ["a", "b"]


def test_halves_of_characters_are_put_together_or_replaced() -> None:
    halves = ["Cześć 😀", "\ud83d\ude00", "a\ud83d", "\ude00b"]
    stream = guarded.pieces_of(stub(lambda: None), "x()", str, lambda: iter(halves))
    assert list(stream) == ["Cześć 😀", "😀", "a\ufffd", "\ufffdb"]


def test_a_stream_is_closed_with_its_reader() -> None:
    closed = []

    def pieces() -> Iterator[str]:
        try:
            yield "a"
        finally:
            closed.append(True)

    stream = guarded.pieces_of(stub(lambda: None), "x()", str, pieces)
    next(stream)
    stream.close()
    assert closed == [True]


@pytest.mark.parametrize("how", ["yields on", "raises", "exits"])
def test_a_stream_that_resists_its_end_costs_the_reader_nothing(caplog: pytest.LogCaptureFixture, how: str) -> None:
    """A reader stops early because of its own error, or because the rest is not needed."""

    def pieces() -> Iterator[str]:
        try:
            yield "a"
        finally:
            if how == "yields on":
                yield "b"
            raise SystemExit(3) if how == "exits" else RuntimeError("not now")

    def read_one() -> None:
        with closing(guarded.pieces_of(stub(lambda: None), "x()", str, pieces)) as stream:
            raise ConfigError(f"enough after {next(stream)}")

    with pytest.raises(ConfigError, match="enough after a"):
        read_one()
    assert "ear: x() raised while its stream was closed" in caplog.text


def test_health_that_never_comes_is_none() -> None:
    ended = threading.Event()
    health = guarded.health_of(stub(lambda: ended.wait(5)), limit_s=0.1)
    ended.set()
    assert health.status is HealthStatus.UNAVAILABLE
    assert health.reason == "ear: health() has not answered within 0.1 s"
    assert "name another provider than ear" in (health.remedy or "")


@pytest.mark.parametrize(
    ("name", "value"),
    [("max_batch", 0), ("max_batch", "4"), ("max_batch", None), ("max_wait_ms", -1), ("max_wait_ms", float("nan"))],
)
def test_batch_limits_are_checked(name: str, value: object) -> None:
    odd = type("Odd", (StubSpeechToText,), {name: value})
    with pytest.raises(ProviderBroken, match=f"^ear: {name} must give"):
        guarded.make(odd, None, ProviderContext())


def test_a_class_that_makes_something_else() -> None:
    class Trick(StubSpeechToText):
        def __new__(cls, *_: Any) -> Any:
            return "no provider"

    with pytest.raises(RiderError, match=r"^ear: Trick\(\) must give a Trick, it gave str"):
        guarded.make(Trick, None, ProviderContext())


def test_validation_errors_have_no_urls() -> None:
    with pytest.raises(ValidationError) as caught:
        Transcript(text="x")  # type: ignore[call-arg]
    text = guarded.shown(caught.value)
    assert text == "ValidationError: language: Field required; duration_s: Field required"
