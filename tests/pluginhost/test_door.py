"""Whatever a provider's methods raise or give: an error with its name comes out of the door, or the right type."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from pydantic import ValidationError

from rider_core.api import Health, HealthStatus, ProviderContext, SpeechToText, Transcript
from rider_core.errors import ConfigError, ProviderBroken, RiderError
from rider_core.pluginhost import door


class Unshowable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("not even this")

    __repr__ = __str__


#: What plugins have raised.
RAISED = [RuntimeError("x" * 10_000), SystemExit(3), KeyboardInterrupt(), Unshowable(), RecursionError(), MemoryError()]
#: What they have given instead of what they promised.
GIVEN: list[Any] = ["text", None, ["a"], b"bytes", 7, object(), {"a": 1}, SpeechToText]


class Ear(SpeechToText):
    """Each of its methods does what it is told."""

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


def ear(act: Callable[[], Any]) -> Ear:
    made = Ear(None, ProviderContext())
    made.act = act
    return made


def raising(error: BaseException) -> Callable[[], Any]:
    def act() -> Any:
        raise error

    return act


@pytest.mark.parametrize("error", RAISED, ids=lambda it: type(it).__name__)
class TestRaised:
    def test_in_the_constructor(self, error: BaseException) -> None:
        class Late(Ear):
            def __init__(self, config: Any, context: ProviderContext) -> None:
                raise error

        with pytest.raises(ProviderBroken, match=rf"^ear: Late\(\) raised {type(error).__name__}") as raised:
            door.make(Late, None, ProviderContext())
        assert len(str(raised.value)) < 400

    def test_in_each_method(self, error: BaseException) -> None:
        broken = ear(raising(error))
        with pytest.raises(ProviderBroken, match=r"^ear: open\(\) raised"):
            door.open_engine(broken)
        with pytest.raises(ProviderBroken, match=r"^ear: required_models\(\) raised"):
            door.required_models_of(broken)
        door.close_engine(broken)
        assert door.details_of(broken) == {}
        health = door.health_of(broken)
        assert (health.status, health.reason[:20]) == (HealthStatus.UNAVAILABLE, "ear: health() raised")

    def test_while_it_works(self, error: BaseException) -> None:
        def pieces() -> Iterator[str]:
            yield "a"
            raise error

        expected = type(error) if isinstance(error, Exception) else ProviderBroken
        broken = ear(raising(error))
        with pytest.raises(expected):
            door.result_of(broken, "transcribe_batch()", list, lambda: broken.transcribe_batch([], None))
        stream = door.pieces_of(broken, "generate_stream()", str, pieces)
        assert next(stream) == "a"
        with pytest.raises(expected):
            next(stream)


@pytest.mark.parametrize("given", GIVEN, ids=lambda it: type(it).__name__)
class TestGiven:
    def test_by_each_method(self, given: Any) -> None:
        broken = ear(lambda: given)
        health = door.health_of(broken)
        assert health.status is HealthStatus.UNAVAILABLE
        assert health.reason.startswith("ear: health() must give a Health, it gave")
        if given != ["a"]:
            with pytest.raises(ProviderBroken, match=r"^ear: required_models\(\) must give a tuple of names, it gave"):
                door.required_models_of(broken)
        assert door.details_of(broken) == ({"a": "1"} if isinstance(given, dict) else {})

    def test_as_a_result_and_as_a_piece(self, given: Any) -> None:
        broken = ear(lambda: given)
        with pytest.raises(ProviderBroken, match=r"^ear: transcribe\(\) must give a Transcript, it gave"):
            door.result_of(broken, "transcribe()", Transcript, lambda: given)
        with pytest.raises(ProviderBroken, match=r"^ear: listen\(\) must yield a Transcript, it yielded"):
            next(door.pieces_of(broken, "listen()", Transcript, lambda: iter([given])))
        if not isinstance(given, list):
            with pytest.raises(ProviderBroken, match=r"^ear: listen\(\) must give a generator, it gave"):
                next(door.pieces_of(broken, "listen()", Transcript, lambda: given))


def test_our_own_errors_and_ctrl_c_pass() -> None:
    for error in (ConfigError("so"), door.Interrupted()):
        with pytest.raises(type(error)):
            door.open_engine(ear(raising(error)))
        with pytest.raises(type(error)):
            door.result_of(ear(raising(error)), "x()", list, raising(error))


def test_what_is_right_passes() -> None:
    well = Health.ok("fine")
    assert door.health_of(ear(lambda: well)) is well
    assert door.required_models_of(ear(lambda: ["a", "b"])) == ("a", "b")
    stream = door.pieces_of(ear(lambda: None), "x()", str, lambda: (it for it in "ab"))
    assert list(stream) == ["a", "b"]


def test_halves_of_characters_are_put_together_or_replaced() -> None:
    halves = ["Cześć 😀", "\ud83d\ude00", "a\ud83d", "\ude00b"]
    stream = door.pieces_of(ear(lambda: None), "x()", str, lambda: iter(halves))
    assert list(stream) == ["Cześć 😀", "😀", "a\ufffd", "\ufffdb"]


def test_a_stream_is_closed_with_its_reader() -> None:
    closed = []

    def pieces() -> Iterator[str]:
        try:
            yield "a"
        finally:
            closed.append(True)

    stream = door.pieces_of(ear(lambda: None), "x()", str, pieces)
    next(stream)
    stream.close()
    assert closed == [True]


@pytest.mark.parametrize("how", ["yields on", "raises", "exits"])
def test_a_stream_that_resists_its_end_costs_the_reader_nothing(caplog: pytest.LogCaptureFixture, how: str) -> None:
    """Whoever stops reading does so because of an error of its own, or because nobody wants the rest."""

    def pieces() -> Iterator[str]:
        try:
            yield "a"
        finally:
            if how == "yields on":
                yield "b"
            raise SystemExit(3) if how == "exits" else RuntimeError("not now")

    def read_one() -> None:
        with closing(door.pieces_of(ear(lambda: None), "x()", str, pieces)) as stream:
            raise ConfigError(f"enough after {next(stream)}")

    with pytest.raises(ConfigError, match="enough after a"):
        read_one()
    assert "ear: x() raised while its stream was closed" in caplog.text


def test_health_that_never_comes_is_none() -> None:
    ended = threading.Event()
    health = door.health_of(ear(lambda: ended.wait(5)), limit_s=0.1)
    ended.set()
    assert health.status is HealthStatus.UNAVAILABLE
    assert health.reason == "ear: health() has not answered within 0.1 s"
    assert "name another provider than ear" in (health.remedy or "")


@pytest.mark.parametrize(
    ("name", "value"),
    [("max_batch", 0), ("max_batch", "4"), ("max_batch", None), ("max_wait_ms", -1), ("max_wait_ms", float("nan"))],
)
def test_numbers_that_the_worker_reckons_with(name: str, value: object) -> None:
    odd = type("Odd", (Ear,), {name: value})
    with pytest.raises(ProviderBroken, match=f"^ear: {name} must give"):
        door.make(odd, None, ProviderContext())


def test_a_class_that_makes_something_else() -> None:
    class Trick(Ear):
        def __new__(cls, *_: Any) -> Any:
            return "no provider"

    with pytest.raises(RiderError, match=r"^ear: Trick\(\) must give a Trick, it gave str"):
        door.make(Trick, None, ProviderContext())


def test_what_pydantic_says_has_no_addresses() -> None:
    with pytest.raises(ValidationError) as caught:
        Transcript(text="x")  # type: ignore[call-arg]
    text = door.shown(caught.value)
    assert text == "ValidationError: language: Field required; duration_s: Field required"
