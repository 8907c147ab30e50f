"""Loads a model file in a process of its own first, and lets it write a word: a bad file may end that process only.

llama.cpp checks much of a file by assertions, which abort the process. A worker would die with all its engines, be
started again, and die again.
"""

from __future__ import annotations

import math
import signal
import subprocess
import sys
from pathlib import Path

from rider_core.api import ChatMessage, GenerateRequest
from rider_core.errors import ModelError, ProviderUnavailable, RiderError
from rider_text_llama.model import LlamaModel, LoadOptions
from rider_text_llama.sampling import sampler_for

#: Some gigabytes from a slow disk.
_LIMIT_S = 120.0
_REFUSED = 3
_MAX_REASON = 500
_CONTEXT_TOKENS = 512


def try_out(path: Path, chat_template: str | None) -> None:
    """Raise unless the file can be loaded and used.

    Raises:
        ModelError: it cannot.
        ProviderUnavailable: nobody knows yet, because it took too long, or llama.cpp is missing.
    """
    command = [sys.executable, "-m", "rider_text_llama.trial", str(path), chat_template or ""]
    try:
        ran = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_LIMIT_S, check=False, errors="replace"
        )
    except subprocess.TimeoutExpired:
        raise ProviderUnavailable(f"{path.name} was not loaded within {_LIMIT_S:g} s") from None
    if ran.returncode == 0:
        return
    told = (ran.stdout if ran.returncode == _REFUSED else ran.stderr).strip()[-_MAX_REASON:]
    if ran.returncode == _REFUSED:
        kind, reason, remedy = (*told.split("\n"), "", "")[:3]
        raise (ProviderUnavailable if kind == ProviderUnavailable.code else ModelError)(reason, remedy=remedy or None)
    how = signal.Signals(-ran.returncode).name if ran.returncode < 0 else f"status {ran.returncode}"
    raise ModelError(f"llama.cpp crashed ({how}) on {path.name}: {told}", remedy="the file is damaged: fetch it again")


def main(path: str, chat_template: str) -> int:
    """In the process of its own: the exit status, with the reason on standard output."""
    try:
        model = LlamaModel(Path(path), LoadOptions(_CONTEXT_TOKENS, threads=1, chat_template=chat_template or None))
        try:
            model.context.read(model.chat.segments([ChatMessage(role="user", content="Hi!")]), repeatable=False)
            with sampler_for(GenerateRequest(prompt="Hi!"), min_p=0.0) as sampler:
                model.vocabulary.piece(model.context.sample(sampler))
            if not all(map(math.isfinite, model.context.logits())):
                raise ModelError(f"{Path(path).name} gives no numbers", remedy="the file is damaged: fetch it again")
        finally:
            model.close()
    except RiderError as error:
        kind = ProviderUnavailable.code if isinstance(error, ProviderUnavailable) else ModelError.code
        print(kind, error.message.replace("\n", " "), (error.remedy or "").replace("\n", " "), sep="\n")
        return _REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
