"""Several models, unloading, and damaged files."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from llama_harness import memory_mb, no_model, opened, small_model
from rider_text_llama import model as model_file
from rider_text_llama import preflight
from rider_text_llama.model import LoadOptions
from rider_text_llama.preflight import run_preflight
from rider_text_llama.provider import LlamaConfig, LlamaTextGenerator

from rider_core.api import GenerateRequest, HealthStatus, ProviderContext
from rider_core.errors import ModelError, ProviderUnavailable
from rider_core.testing import wait_until

OPTIONS = LoadOptions(context_tokens=512, threads=2)
HELLO = GenerateRequest(prompt="Say hello.", temperature=0, max_tokens=4)


def loaded(provider: LlamaTextGenerator) -> str:
    return provider.details()["loaded"]


class TestSeveral:
    @pytest.fixture
    def files(self, tmp_path: Path) -> dict[str, Path]:
        """One model under other names."""
        found = {name: tmp_path / f"{name}.gguf" for name in ("first", "second")}
        for path in found.values():
            path.symlink_to(small_model())
        return found

    def test_a_request_chooses(self, files: dict[str, Path]) -> None:
        with opened(files=files, max_loaded=2) as provider:
            assert provider.models() == ("smollm2-135m-instruct", "first", "second")
            answers = [provider.generate(HELLO.model_copy(update={"model": name})) for name in provider.models()]
            assert [answer.model for answer in answers] == list(provider.models())
            assert len({answer.text for answer in answers}) == 1
            assert loaded(provider) == "first, second", "the least recently used was not unloaded"
            provider.generate(HELLO.model_copy(update={"model": "first"}))
            provider.generate(HELLO)
            assert loaded(provider) == "first, smollm2-135m-instruct"

    def test_an_own_file_as_the_default(self, files: dict[str, Path]) -> None:
        provider = LlamaTextGenerator(LlamaConfig(model="second", files=files), ProviderContext(model_path=no_model))
        assert provider.required_models() == ()
        assert provider.models() == ("second", "first")
        assert provider.health().status is HealthStatus.OK
        provider.open()
        assert provider.generate(HELLO).model == "second"
        provider.close()

    def test_an_own_file_that_is_gone(self, tmp_path: Path) -> None:
        provider = LlamaTextGenerator(LlamaConfig(model="it", files={"it": tmp_path / "it.gguf"}), ProviderContext())
        assert provider.health().status is HealthStatus.UNAVAILABLE
        with pytest.raises(ModelError, match=r"'it' does not exist: .*it\.gguf"):
            provider.open()

    def test_identity_follows_the_file(self, tmp_path: Path) -> None:
        path = tmp_path / "own.gguf"
        provider = LlamaTextGenerator(LlamaConfig(files={"own": path}), ProviderContext(model_path=small_model))
        request, identities = HELLO.model_copy(update={"model": "own"}), set()
        for content in (b"1", b"23"):
            path.write_bytes(content)
            identities.add(provider.model_identity(request))
        os.utime(path, (1, 1))
        identities.add(provider.model_identity(request))
        assert len(identities) == 3
        assert provider.model_identity(HELLO) == "smollm2-135m-instruct"

    @pytest.mark.parametrize("name", ["", "../x", "a/b", "x" * 129, "a b"])
    def test_names_are_plain(self, name: str) -> None:
        with pytest.raises(ValueError, match="files"):
            LlamaConfig(files={name: Path("/x.gguf")})

    def test_an_idle_model_frees_its_memory(self, monkeypatch: pytest.MonkeyPatch) -> None:
        returned: list[bool] = []
        monkeypatch.setattr(model_file, "trim_heap", lambda: returned.append(True))
        with opened(idle_unload_s=0.3, context_tokens=4_096) as provider:
            stream = provider.generate_stream(HELLO)
            first = next(stream)
            full_mb = memory_mb()
            assert loaded(provider)
            list(stream)
            wait_until(lambda: not loaded(provider), what="the model's unloading")
            wait_until(lambda: full_mb - memory_mb() > 80, what="the return of its 80 MB")
            assert returned, "the heap was not trimmed"
            assert provider.generate(HELLO).text.startswith(first)
            assert loaded(provider)

    def test_a_model_in_use_stays(self, files: dict[str, Path]) -> None:
        with opened(files=files, max_loaded=1, idle_unload_s=0.05) as provider:
            stream = provider.generate_stream(HELLO)
            next(stream)
            with pytest.raises(ProviderUnavailable, match="max_loaded"):
                provider.generate(HELLO.model_copy(update={"model": "first"}))
            assert list(stream)
            wait_until(lambda: not loaded(provider), what="the model's unloading")

    def test_a_model_in_use_is_closed_after_its_answer(self) -> None:
        with opened() as provider:
            stream = provider.generate_stream(HELLO)
            next(stream)
        assert list(stream)
        with pytest.raises(ProviderUnavailable, match="not open"):
            provider.generate(HELLO)


def with_value(key: bytes, value: int) -> Callable[[bytearray], None]:
    """Overwrites a 32-bit number in the metadata: it stands 4 bytes, its type, after the key."""

    def change(data: bytearray) -> None:
        at = data.index(key) + len(key) + 4
        data[at : at + 4] = value.to_bytes(4, "little")

    return change


def random_bytes(seed: int) -> Callable[[bytearray], None]:
    """Changes some bytes of the metadata."""

    def change(data: bytearray) -> None:
        chance = random.Random(seed)
        for _ in range(3):
            data[chance.randrange(4, 3_000)] = chance.randrange(256)

    return change


def nan_weights(data: bytearray) -> None:
    """Sets all weights of the last norm, 576 of 32 bits, to NaN."""
    data[-576 * 4 :] = b"\xff" * (576 * 4)


class TestDamagedFiles:
    def refusal(self, path: Path, content: bytes | bytearray) -> str:
        path.write_bytes(content)
        with pytest.raises(ModelError) as raised:
            run_preflight(path, OPTIONS)
        assert "fetch it again" in str(raised.value)
        return str(raised.value)

    @pytest.mark.parametrize("length", [0, 1_000, 50_000_000, -1])
    def test_cut_short(self, tmp_path: Path, length: int) -> None:
        message = self.refusal(tmp_path / "m.gguf", small_model().read_bytes()[:length])
        assert message.startswith("llama.cpp cannot load m.gguf: ")

    @pytest.mark.parametrize("content", [b"not a model", b"GGUF" + b"\xff" * 1_000])
    def test_no_model(self, tmp_path: Path, content: bytes) -> None:
        self.refusal(tmp_path / "m.gguf", content)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (with_value(b"llama.block_count", 0), "crashed (SIGABRT)"),  # an assertion of llama.cpp's
            (with_value(b"llama.block_count", 2**31), "crashed (SIGABRT)"),
            (with_value(b"llama.attention.head_count_kv", 7), "wrong shape"),
            (with_value(b"llama.context_length", 0), "a training context of 0 tokens"),
            (nan_weights, "not finite"),
        ],
        ids=["no blocks", "many blocks", "heads", "context", "weights"],
    )
    def test_changed(self, tmp_path: Path, change: Callable[[bytearray], None], message: str) -> None:
        data = bytearray(small_model().read_bytes())
        change(data)
        assert message in self.refusal(tmp_path / "m.gguf", data)

    @pytest.mark.parametrize("seed", range(3))
    def test_changed_by_chance(self, tmp_path: Path, seed: int) -> None:
        data = bytearray(small_model().read_bytes())
        random_bytes(seed)(data)
        self.refusal(tmp_path / "m.gguf", data)

    def test_the_provider_survives_it(self, tmp_path: Path) -> None:
        data = bytearray(small_model().read_bytes())
        with_value(b"llama.block_count", 0)(data)
        (tmp_path / "m.gguf").write_bytes(data)
        with opened(files={"bad": tmp_path / "m.gguf"}) as provider:
            for _ in range(2):
                with pytest.raises(ModelError, match="crashed"):
                    provider.generate(HELLO.model_copy(update={"model": "bad"}))
            assert provider.generate(HELLO).text
            (tmp_path / "m.gguf").write_bytes(small_model().read_bytes())
            assert provider.generate(HELLO.model_copy(update={"model": "bad"})).text, "the file is good again"

    def test_the_preflight_of_a_file_runs_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        paths: list[Path] = []
        real = preflight.run_preflight

        def run_preflight(path: Path, options: LoadOptions) -> bool:
            paths.append(path)
            return real(path, options)

        monkeypatch.setattr("rider_text_llama.engine.run_preflight", run_preflight)
        with opened(idle_unload_s=0.01) as provider:
            for _ in range(2):
                wait_until(lambda: not loaded(provider), what="the model's unloading")
                provider.generate(HELLO)
        assert len(paths) == 1

    def test_no_chat_template(self, tmp_path: Path) -> None:
        data = small_model().read_bytes().replace(b"tokenizer.chat_template", b"tokenizer.hat_template_")
        (tmp_path / "m.gguf").write_bytes(data)
        with pytest.raises(ModelError, match="set chat_template"):
            run_preflight(tmp_path / "m.gguf", OPTIONS)
        with opened(model="it", files={"it": tmp_path / "m.gguf"}, chat_template="chatml") as provider:
            assert provider.generate(HELLO).text

    def test_an_unsupported_template(self, tmp_path: Path) -> None:
        data = small_model().read_bytes().replace(b"tokenizer.chat_template", b"tokenizer.hat_template_")
        (tmp_path / "m.gguf").write_bytes(data)
        with pytest.raises(ModelError, match="does not support the chat template 'nonsense'"):
            run_preflight(tmp_path / "m.gguf", replace(OPTIONS, chat_template="nonsense"))

    def test_a_good_file_is_batch_invariant(self) -> None:
        assert run_preflight(small_model(), OPTIONS)

    def test_a_preflight_that_takes_too_long(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(preflight, "_LIMIT_S", 0.01)
        with pytest.raises(ProviderUnavailable, match="was not loaded within"):
            run_preflight(small_model(), OPTIONS)
