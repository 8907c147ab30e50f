"""Preflight of a model file: loads it in a process of its own and evaluates a sentence.

llama.cpp checks much of a file by assertions, which abort the process. A damaged file would end the worker with all its
engines, again after each restart.
"""

from __future__ import annotations

import math
import signal
import subprocess
import sys
from pathlib import Path

from rider_core.errors import ModelError, ProviderUnavailable, RiderError
from rider_text_llama.model import LlamaModel, LoadOptions

#: Enough to load some gigabytes from a slow disk.
_LIMIT_S = 120.0
_REFUSED = 3
_MAX_REASON = 500
_CONTEXT_TOKENS = 512
_SENTENCE = "The little robot looks at the red ball, and slowly it begins to roll across the room."
#: Ends of the batches in which the same 16 tokens are evaluated: one split for each of llama.cpp's matrix kernels.
_BATCH_SPLITS = ((16,), (3, 8, 16), (2, 4, 6, 8, 10, 12, 14, 16))
_INVARIANT, _VARIANT = "batch invariant", "batch variant"


def run_preflight(path: Path, options: LoadOptions) -> bool:
    """Whether the model is batch invariant: it gives the same logits for batches of any size.

    Raises:
        ModelError: the file cannot be loaded or used.
        ProviderUnavailable: the preflight took too long, or llama.cpp is missing.
    """
    arguments = [str(path), str(options.threads), options.chat_template or ""]
    command = [sys.executable, "-m", "rider_text_llama.preflight", *arguments]
    try:
        ran = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_LIMIT_S, check=False, errors="replace"
        )
    except subprocess.TimeoutExpired:
        raise ProviderUnavailable(f"{path.name} was not loaded within {_LIMIT_S:g} s") from None
    if ran.returncode == 0:
        return ran.stdout.strip() == _INVARIANT
    output = (ran.stdout if ran.returncode == _REFUSED else ran.stderr).strip()[-_MAX_REASON:]
    if ran.returncode == _REFUSED:
        kind, reason, remedy = (*output.split("\n"), "", "")[:3]
        raise (ProviderUnavailable if kind == ProviderUnavailable.code else ModelError)(reason, remedy=remedy or None)
    how = signal.Signals(-ran.returncode).name if ran.returncode < 0 else f"status {ran.returncode}"
    raise ModelError(
        f"llama.cpp crashed ({how}) on {path.name}: {output}", remedy="the file is damaged: fetch it again"
    )


def main(path: str, threads: str, chat_template: str) -> int:
    """Run in the child process. Prints the result or the error; returns the exit status."""
    try:
        model = LlamaModel(Path(path), LoadOptions(_CONTEXT_TOKENS, int(threads), chat_template or None))
        try:
            print(_INVARIANT if is_batch_invariant(model, Path(path).name) else _VARIANT)
        finally:
            model.close()
    except RiderError as error:
        kind = ProviderUnavailable.code if isinstance(error, ProviderUnavailable) else ModelError.code
        print(kind, error.message.replace("\n", " "), (error.remedy or "").replace("\n", " "), sep="\n")
        return _REFUSED
    return 0


def is_batch_invariant(model: LlamaModel, name: str) -> bool:
    """Whether the model gives exactly the same logits for all splits of the tokens into batches.

    Raises:
        ModelError: a logit is not finite.
    """
    tokens = model.vocabulary.tokenize(_SENTENCE)[: _BATCH_SPLITS[0][0]]
    logits = []
    for split in _BATCH_SPLITS:
        model.context.clear()
        for end in split:
            model.context.prefill(tokens[:end], repeatable=False)
        logits.append(model.context.logits())
        if not all(map(math.isfinite, logits[-1])):
            raise ModelError(f"{name} gives logits that are not finite", remedy="the file is damaged: fetch it again")
    return all(others == logits[0] for others in logits[1:])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
