"""Turns Whisper weights in CTranslate2's format into the q8_0 ggml file that whisper.cpp loads.

One tensor is in memory at a time, about 110 MB at most for the base model's embeddings.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from rider_core.errors import ModelError
from rider_voice_whisper.ct2_weights import Ct2Weights
from rider_voice_whisper.ggml_file import TensorType, write_header, write_mel_filters, write_tensor, write_tokens

#: The same in every Whisper model up to large-v2.
_AUDIO_CONTEXT, _TEXT_CONTEXT, _MELS, _HEAD_SIZE = 1500, 448, 80, 64
_END_OF_TEXT = "<|endoftext|>"

Array = npt.NDArray[np.generic]


def build_ggml(parts: Mapping[str, Path], out: Path) -> None:
    """Write the model file `out`.

    Args:
        parts: `tokenizer` is tokenizer.json; all others, in the order of their names, are model.bin cut into pieces.

    Raises:
        ModelError: the parts are not a Whisper model.
    """
    pieces = [parts[name] for name in sorted(parts) if name != "tokenizer"]
    tokens = read_tokens(parts["tokenizer"])
    with Ct2Weights(pieces) as weights, out.open("wb") as file:
        vocabulary, state = weights.shape("decoder/embeddings/weight")
        layers = {side: _count_layers(weights, side) for side in ("encoder", "decoder")}
        heads = state // _HEAD_SIZE
        audio = (_AUDIO_CONTEXT, state, heads, layers["encoder"])
        text = (_TEXT_CONTEXT, state, heads, layers["decoder"])
        write_header(file, (vocabulary, *audio, *text, _MELS))
        write_mel_filters(file)
        write_tokens(file, tokens)
        converter = _Converter(weights, file)
        converter.encoder(layers["encoder"])
        converter.decoder(layers["decoder"])


def read_tokens(tokenizer: Path) -> list[bytes]:
    """The raw bytes of every token below `<|endoftext|>`, by its number."""
    try:
        described = json.loads(tokenizer.read_text(encoding="utf-8"))
        vocabulary = dict(described["model"]["vocab"])
        vocabulary.update({token["content"]: token["id"] for token in described["added_tokens"]})
        end = vocabulary[_END_OF_TEXT]
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{tokenizer.name} is not a Whisper tokenizer: {error!r}") from None
    alphabet = _byte_alphabet()
    by_number = {number: text for text, number in vocabulary.items() if number < end}
    if len(by_number) != end:
        raise ModelError(f"{tokenizer.name} has {len(by_number)} tokens below {_END_OF_TEXT}, not {end}")
    return [bytes(alphabet[character] for character in by_number[number]) for number in range(end)]


def _byte_alphabet() -> dict[str, int]:
    """GPT-2's printable stand-ins for the 256 bytes (`bytes_to_unicode` of its encoder.py), reversed."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    hidden = [byte for byte in range(256) if byte not in printable]
    alphabet = {chr(byte): byte for byte in printable}
    alphabet.update({chr(256 + index): byte for index, byte in enumerate(hidden)})
    return alphabet


def _count_layers(weights: Ct2Weights, side: str) -> int:
    count = 0
    while f"{side}/layer_{count}/ffn/linear_0/weight" in weights:
        count += 1
    if not count:
        raise ModelError(f"the weights have no {side} layers")
    return count


class _Converter:
    """Writes tensor after tensor. whisper.cpp takes any order; this one is part of the models' SHA-256."""

    def __init__(self, weights: Ct2Weights, out: BinaryIO) -> None:
        self._weights = weights
        self._out = out

    def encoder(self, layers: int) -> None:
        self._write("encoder.positional_embedding", self._read("encoder/position_encodings/encodings"), "f32")
        for conv in ("conv1", "conv2"):
            self._write(f"encoder.{conv}.weight", self._read(f"encoder/{conv}/weight"), "f16")
            self._write(f"encoder.{conv}.bias", self._read(f"encoder/{conv}/bias").reshape(-1, 1), "f32")
        self._norm("encoder/layer_norm", "encoder.ln_post")
        for index in range(layers):
            self._self_attention("encoder", index)
            self._feed_forward("encoder", index)

    def decoder(self, layers: int) -> None:
        self._write("decoder.positional_embedding", self._read("decoder/position_encodings/encodings"), "f32")
        self._write("decoder.token_embedding.weight", self._read("decoder/embeddings/weight"), "q8_0")
        self._norm("decoder/layer_norm", "decoder.ln")
        for index in range(layers):
            self._self_attention("decoder", index)
            self._cross_attention(index)
            self._feed_forward("decoder", index)

    def _self_attention(self, side: str, index: int) -> None:
        source, target = f"{side}/layer_{index}/self_attention", f"{side}.blocks.{index}.attn"
        weights = np.split(self._read(f"{source}/linear_0/weight"), 3)
        biases = np.split(self._read(f"{source}/linear_0/bias"), 3)
        self._pair(f"{target}.query", weights[0], biases[0])
        self._write(f"{target}.key.weight", weights[1], "q8_0")  # Whisper's keys have no bias
        self._pair(f"{target}.value", weights[2], biases[2])
        self._linear(f"{source}/linear_1", f"{target}.out")
        self._norm(f"{source}/layer_norm", f"{target}_ln")

    def _cross_attention(self, index: int) -> None:
        source, target = f"decoder/layer_{index}/attention", f"decoder.blocks.{index}.cross_attn"
        weights = np.split(self._read(f"{source}/linear_1/weight"), 2)
        biases = np.split(self._read(f"{source}/linear_1/bias"), 2)
        self._linear(f"{source}/linear_0", f"{target}.query")
        self._write(f"{target}.key.weight", weights[0], "q8_0")
        self._pair(f"{target}.value", weights[1], biases[1])
        self._linear(f"{source}/linear_2", f"{target}.out")
        self._norm(f"{source}/layer_norm", f"{target}_ln")

    def _feed_forward(self, side: str, index: int) -> None:
        source, target = f"{side}/layer_{index}/ffn", f"{side}.blocks.{index}"
        self._linear(f"{source}/linear_0", f"{target}.mlp.0")
        self._linear(f"{source}/linear_1", f"{target}.mlp.2")
        self._norm(f"{source}/layer_norm", f"{target}.mlp_ln")

    def _linear(self, source: str, target: str) -> None:
        self._pair(target, self._read(f"{source}/weight"), self._read(f"{source}/bias"))

    def _pair(self, target: str, weight: Array, bias: Array) -> None:
        self._write(f"{target}.weight", weight, "q8_0")
        self._write(f"{target}.bias", bias, "f32")

    def _norm(self, source: str, target: str) -> None:
        self._write(f"{target}.weight", self._read(f"{source}/gamma"), "f32")
        self._write(f"{target}.bias", self._read(f"{source}/beta"), "f32")

    def _read(self, name: str) -> Array:
        return self._weights.read(name)

    def _write(self, name: str, values: Array, kind: TensorType) -> None:
        write_tensor(self._out, name, values, kind)
