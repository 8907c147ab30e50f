"""Without a model: incremental detokenization, stop sequences, batches, and the model cache."""

from __future__ import annotations

import threading
from contextlib import ExitStack

import pytest
from rider_text_llama.context import _batches
from rider_text_llama.detokenizer import IncrementalDetokenizer
from rider_text_llama.model_cache import ModelCache

from rider_core.errors import ProviderUnavailable
from rider_core.testing import wait_until


def shown(stops: tuple[str, ...], *pieces: bytes) -> tuple[list[str], str]:
    answer = IncrementalDetokenizer(stops)
    return [answer.add(piece) for piece in pieces], answer.flush()


class TestIncrementalDetokenizer:
    @pytest.mark.parametrize("text", ["Zażółć gęślą jaźń", "a😀b", "❤️", "日本語"])
    @pytest.mark.parametrize("size", [1, 2, 3])
    def test_characters_are_whole(self, text: str, size: int) -> None:
        data = text.encode()
        pieces, rest = shown((), *(data[at : at + size] for at in range(0, len(data), size)))
        assert "".join(pieces) + rest == text
        assert "\ufffd" not in "".join(pieces)

    def test_half_a_character_at_the_end_is_none(self) -> None:
        assert shown((), b"a", "ż".encode()[:1]) == (["a", ""], "")

    def test_what_is_no_character_is_left_out(self) -> None:
        pieces, rest = shown((), b"a\xff", b"\xc5", b"b", "\ufffd".encode())
        assert "".join(pieces) + rest == "ab"

    @pytest.mark.parametrize(
        ("stops", "pieces", "text", "stopped"),
        [
            (("END",), [b"it is the E", b"N", b"D of it"], "it is the ", True),
            (("END",), [b"it is the E", b"N", b"d of it"], "it is the ENd of it", False),
            (("END",), [b"it is the E", b"N"], "it is the EN", False),
            (("b", "ab"), [b"xab"], "x", True),
            (("aab",), [b"a", b"a", b"a", b"b"], "a", True),
            (("ż",), [b"a\xc5", b"\xbcb"], "a", True),
        ],
    )
    def test_stop(self, stops: tuple[str, ...], pieces: list[bytes], text: str, stopped: bool) -> None:
        answer = IncrementalDetokenizer(stops)
        released = ""
        for piece in pieces:
            released += answer.add(piece)
            assert text.startswith(released), "text was released too early"
        assert (released + answer.flush(), answer.stopped) == (text, stopped)

    def test_no_more_is_held_back_than_must_be(self) -> None:
        assert shown(("END",), b"the E", b"verest E")[0] == ["the ", "Everest "]


def test_no_token_is_evaluated_alone() -> None:
    for length in range(2, 200):
        batches = list(_batches(list(range(length))))
        assert [token for batch in batches for token in batch] == list(range(length))
        assert all(2 <= len(batch) < 64 for batch in batches), length
    assert list(_batches([7])) == [[7]]


class Model:
    def __init__(self, name: str) -> None:
        self.name = name
        self.closed = False

    def close(self) -> None:
        assert not self.closed
        self.closed = True


class TestModelCache:
    def test_the_least_recently_used_is_unloaded(self) -> None:
        cache = ModelCache(Model, most=2, idle_s=0)
        for name in ("a", "b", "a", "c"):
            with cache.borrow(name):
                pass
        assert cache.names() == ("a", "c")
        cache.close()
        assert cache.names() == ()

    def test_one_in_use_is_not_unloaded(self) -> None:
        cache = ModelCache(Model, most=2, idle_s=0)
        with cache.borrow("a") as first, ExitStack() as others:
            with cache.borrow("b"):
                pass
            others.enter_context(cache.borrow("c"))
            assert cache.names() == ("a", "c")
            with pytest.raises(ProviderUnavailable, match="2 models are in use"):
                others.enter_context(cache.borrow("d"))
            cache.close()
            assert not first.closed
        assert first.closed

    def test_idle_ones_are_unloaded_one_after_the_other(self) -> None:
        cache = ModelCache(Model, most=3, idle_s=0.1)
        with cache.borrow("used") as used:
            for name in ("a", "b"):
                with cache.borrow(name):
                    pass
            wait_until(lambda: cache.names() == ("used",), what="the idle ones' unloading")
            assert not used.closed
        wait_until(lambda: used.closed, what="the last one's unloading")
        cache.close()

    def test_one_that_cannot_be_loaded_leaves_nothing(self) -> None:
        def fail(name: str) -> Model:
            raise ProviderUnavailable("no")

        cache = ModelCache(fail, most=1, idle_s=0)
        for _ in range(2):
            with pytest.raises(ProviderUnavailable, match="no"), cache.borrow("a"):
                pass
        assert cache.names() == ()
        cache.close()

    def test_no_thread_is_left(self) -> None:
        before = threading.active_count()
        cache = ModelCache(Model, most=1, idle_s=60)
        assert threading.active_count() == before + 1
        cache.close()
        assert threading.active_count() == before

    def test_closed(self) -> None:
        cache = ModelCache(Model, most=1, idle_s=0)
        cache.close()
        with pytest.raises(ProviderUnavailable, match="closed"), cache.borrow("a"):
            pass
