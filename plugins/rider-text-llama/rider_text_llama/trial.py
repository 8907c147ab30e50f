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

from rider_core.errors import ModelError, ProviderUnavailable, RiderError
from rider_text_llama.model import LlamaModel, LoadOptions

#: Some gigabytes from a slow disk.
_LIMIT_S = 120.0
_REFUSED = 3
_MAX_REASON = 500
_CONTEXT_TOKENS = 512
_SENTENCE = "The little robot looks at the red ball, and slowly it begins to roll across the room."
#: Where the same 16 tokens are parted when they are evaluated: as many ways as llama.cpp has of multiplying matrices.
_PARTINGS = ((16,), (3, 8, 16), (2, 4, 6, 8, 10, 12, 14, 16))
_ALIKE, _UNLIKE = "alike", "unlike"


def try_out(path: Path, options: LoadOptions) -> bool:
    """Raise unless the file can be loaded and used. Returns whether it gives the same figures for tokens in groups of
    any size.

    Raises:
        ModelError: it cannot.
        ProviderUnavailable: nobody knows yet, because it took too long, or llama.cpp is missing.
    """
    arguments = [str(path), str(options.threads), options.chat_template or ""]
    command = [sys.executable, "-m", "rider_text_llama.trial", *arguments]
    try:
        ran = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_LIMIT_S, check=False, errors="replace"
        )
    except subprocess.TimeoutExpired:
        raise ProviderUnavailable(f"{path.name} was not loaded within {_LIMIT_S:g} s") from None
    if ran.returncode == 0:
        return ran.stdout.strip() == _ALIKE
    told = (ran.stdout if ran.returncode == _REFUSED else ran.stderr).strip()[-_MAX_REASON:]
    if ran.returncode == _REFUSED:
        kind, reason, remedy = (*told.split("\n"), "", "")[:3]
        raise (ProviderUnavailable if kind == ProviderUnavailable.code else ModelError)(reason, remedy=remedy or None)
    how = signal.Signals(-ran.returncode).name if ran.returncode < 0 else f"status {ran.returncode}"
    raise ModelError(f"llama.cpp crashed ({how}) on {path.name}: {told}", remedy="the file is damaged: fetch it again")


def main(path: str, threads: str, chat_template: str) -> int:
    """In the process of its own: the exit status, with what was found out on standard output."""
    try:
        model = LlamaModel(Path(path), LoadOptions(_CONTEXT_TOKENS, int(threads), chat_template or None))
        try:
            print(_ALIKE if gives_the_same(model, Path(path).name) else _UNLIKE)
        finally:
            model.close()
    except RiderError as error:
        kind = ProviderUnavailable.code if isinstance(error, ProviderUnavailable) else ModelError.code
        print(kind, error.message.replace("\n", " "), (error.remedy or "").replace("\n", " "), sep="\n")
        return _REFUSED
    return 0


def gives_the_same(model: LlamaModel, name: str) -> bool:
    """Whether the model gives the very same figures for tokens, however they are grouped.

    Raises:
        ModelError: they are no numbers.
    """
    tokens = model.vocabulary.plain(_SENTENCE)[: _PARTINGS[0][0]]
    figures = []
    for parting in _PARTINGS:
        model.context.forget()
        for end in parting:
            model.context.read(tokens[:end], repeatable=False)
        figures.append(model.context.logits())
        if not all(map(math.isfinite, figures[-1])):
            raise ModelError(f"{name} gives no numbers", remedy="the file is damaged: fetch it again")
    return all(others == figures[0] for others in figures[1:])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
