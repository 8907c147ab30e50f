"""The first word of an answer, through us and by llama.cpp alone; and an answer that was given before."""

from __future__ import annotations

import statistics
import time

from stack import Bare, Stack

MODEL = "smollm2-135m-instruct"
SYSTEM = "You are a small robot. Answer in one short sentence."
TURNS = 25


def measure(stack: Stack) -> dict[str, float]:
    """`first_token_overhead_ms` and `llm_cache_hit_ms`, medians.

    Each question is new to both sides, which keep what all questions have in common.
    """
    ours, alone = [], []
    with Bare("llama.py", stack.services.catalogue.path(MODEL), SYSTEM) as bare:
        for number in range(TURNS + 1):
            question = f"How many wheels do {number + 3} robots have, and why?"
            payload = {"prompt": question, "system_prompt": SYSTEM, "max_tokens": 12, "temperature": 0, "cache": False}
            # In turns: whatever slows the machine down for a moment meets both.
            ours.append(stack.first_piece_s("text.generate", payload))
            alone.append(bare.measure(question)["seconds"])
    overheads = [ours_s - alone_s for ours_s, alone_s in zip(ours[1:], alone[1:], strict=True)]
    return {
        "first_token_overhead_ms": round(statistics.median(overheads) * 1000, 2),
        "first_token_ms": round(statistics.median(ours[1:]) * 1000, 1),
        "llm_cache_hit_ms": round(_cache_hit_s(stack) * 1000, 2),
    }


def _cache_hit_s(stack: Stack) -> float:
    payload = {"prompt": "What is a robot?", "system_prompt": SYSTEM, "max_tokens": 64, "temperature": 0}
    stack.run("text.generate", payload)
    times = []
    for _ in range(200):
        started = time.perf_counter()
        record = stack.run("text.generate", payload)
        times.append(time.perf_counter() - started)
        assert record.value()["from_cache"], "this was not from the cache"
    return statistics.median(times)
