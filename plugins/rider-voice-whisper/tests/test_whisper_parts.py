"""The parts that need no model: language choice, context, mel filters, and the conversion of weights."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from rider_voice_whisper.convert import build_ggml, read_tokens
from rider_voice_whisper.engine import CONTEXT_FLOOR, FULL_CONTEXT, fit_context
from rider_voice_whisper.ggml_file import mel_filters, quantize_q8_0
from rider_voice_whisper.language import choose_language
from rider_voice_whisper.models import MODELS

from rider_core.errors import ModelError


@pytest.mark.parametrize(
    ("probabilities", "expected", "chosen"),
    [
        ({"nl": 0.89, "en": 0.07, "pl": 0.01}, ("en", "pl"), "en"),
        ({"nl": 0.97, "en": 0.02, "pl": 0.01}, ("en", "pl"), "nl"),
        ({"cs": 0.5, "en": 0.1, "pl": 0.4}, ("en", "pl"), "pl"),
        ({"nl": 0.6, "en": 0.4}, (), "nl"),
    ],
)
def test_choice_of_language(probabilities: dict[str, float], expected: tuple[str, ...], chosen: str) -> None:
    assert choose_language(probabilities, expected).language == chosen


def test_a_likelier_language_is_named_in_the_hint() -> None:
    hint = choose_language({"fr": 0.6, "cs": 0.2, "en": 0.1, "pl": 0.1}, ("en", "pl")).hint
    assert "taken for en" in hint
    assert "fr (60%), cs (20%)" in hint
    assert "expected_languages" in hint


@pytest.mark.parametrize(
    "probabilities",
    [
        {"en": 0.9, "nl": 0.1},
        dict.fromkeys(("nl", "de", "fr", "cs", "en"), 0.2),
        {"nl": 0.5, "en": 0.4},
        {"de": 1.0},
        {"la": 0.9, "en": 0.1},
    ],
    ids=["expected", "a guess", "hardly likelier", "certain", "Latin"],
)
def test_no_hint(probabilities: dict[str, float]) -> None:
    assert choose_language(probabilities, ("en", "pl")).hint == ""


def test_context_fits_the_clip() -> None:
    assert fit_context(1.1) == CONTEXT_FLOOR
    assert fit_context(10.0) == 628
    assert fit_context(300.0) == FULL_CONTEXT


def test_mel_filters_are_slaneys() -> None:
    filters = mel_filters()
    assert filters.shape == (80, 201)
    # librosa.filters.mel(sr=16000, n_fft=400, n_mels=80)[0, 1]
    assert filters[0, 1] == pytest.approx(0.02486259, rel=1e-6)
    assert np.all((filters > 0).sum(axis=0)[1:199] >= 1), "a frequency is in no filter"
    # Slaney's norm: each triangle has the area 1 over its frequencies, which are 40 Hz apart.
    assert filters[60:].sum(axis=1) * 40 == pytest.approx(np.ones(20), rel=0.05)


def test_quantization() -> None:
    values = np.linspace(-2, 2, 64, dtype=np.float32)
    data = np.frombuffer(quantize_q8_0(values), [("scale", "<f2"), ("values", "i1", (32,))])
    assert len(data) == 2
    restored = (data["scale"].astype(np.float32)[:, None] * data["values"]).reshape(-1)
    assert float(np.abs(restored - values).max()) < 2 / 127
    assert quantize_q8_0(np.zeros(32, np.float32)) == bytes(34)


class Weights:
    """Makes a CTranslate2 file, as small as it can be."""

    def __init__(self, specification: bytes = b"WhisperSpec", version: int = 6) -> None:
        self.head = struct.pack("<I", version) + self._text(specification) + struct.pack("<I", 3)
        self.variables: list[bytes] = []

    @staticmethod
    def _text(text: bytes) -> bytes:
        return struct.pack("<H", len(text) + 1) + text + b"\0"

    def add(self, name: str, *shape: int) -> None:
        data = np.zeros(shape, "<f2").tobytes()
        dimensions = struct.pack(f"<B{len(shape)}I", len(shape), *shape)
        self.variables.append(self._text(name.encode()) + dimensions + struct.pack("<BI", 4, len(data)) + data)

    def bytes(self) -> bytes:
        return self.head + struct.pack("<I", len(self.variables)) + b"".join(self.variables)


@pytest.fixture
def tokenizer(tmp_path: Path) -> Path:
    path = tmp_path / "tokenizer.json"
    vocabulary = {"!": 0, "Ġhi": 1, "Å": 2}
    added = [{"id": 3, "content": "<|endoftext|>"}]
    path.write_text(json.dumps({"model": {"vocab": vocabulary}, "added_tokens": added}))
    return path


def test_tokens_are_raw_bytes(tokenizer: Path) -> None:
    assert read_tokens(tokenizer) == [b"!", b" hi", b"\xc5"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"model": {"vocab": {"a": 5}}, "added_tokens": []}'])
def test_no_tokenizer(tmp_path: Path, text: str) -> None:
    (tmp_path / "tokenizer.json").write_text(text)
    with pytest.raises(ModelError, match=r"tokenizer\.json"):
        read_tokens(tmp_path / "tokenizer.json")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "end at 0 bytes"),
        (Weights(version=5).bytes(), "version 6: it says 5"),
        (Weights(b"TransformerSpec").bytes(), "not a Whisper model"),
        (Weights().bytes()[:-4] + struct.pack("<I", 1 << 31), "claim 2147483648 variables"),
        (Weights().bytes(), "no variable 'decoder/embeddings/weight'"),
    ],
)
def test_weights_that_are_none(tmp_path: Path, tokenizer: Path, content: bytes, message: str) -> None:
    (tmp_path / "model.bin").write_bytes(content)
    with pytest.raises(ModelError, match=message):
        build_ggml({"model": tmp_path / "model.bin", "tokenizer": tokenizer}, tmp_path / "out")


def test_weights_may_be_cut_anywhere(tmp_path: Path, tokenizer: Path) -> None:
    weights = Weights()
    weights.add("decoder/embeddings/weight", 4, 64)
    weights.add("encoder/position_encodings/encodings", 2, 64)
    content = weights.bytes()
    messages = []
    for position in (0, 3, 40, len(content) // 2, len(content)):
        (tmp_path / "1").write_bytes(content[:position])
        (tmp_path / "2").write_bytes(content[position:])
        parts = {"model.1": tmp_path / "1", "model.2": tmp_path / "2", "tokenizer": tokenizer}
        with pytest.raises(ModelError) as raised:
            build_ggml(parts, tmp_path / "out")
        messages.append(str(raised.value))
    assert set(messages) == {"the weights have no encoder layers"}


def test_entries_are_plain_and_have_https_sources() -> None:
    for entry in MODELS:
        assert len(entry.sha256) == 64
        assert entry.filename.endswith(".bin")
        for source in entry.sources:
            assert getattr(source, "url", "https://").startswith("https://")
