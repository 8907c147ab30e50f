"""The table of figures with their limits."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping

from rich.console import Console
from rich.table import Table

#: Key to description, comparison and limit.
MUSTS: dict[str, tuple[str, Callable[[float, float], bool], float]] = {
    "asr_short_speedup": ("a 3 s command, over whisper.cpp's default", operator.ge, 3),
    "asr_batch_speedup": ("16 short clips together, over one by one through us", operator.ge, 1.5),
    "detect_fps_ratio": ("detection in a stream of 640 x 480, over bare mediapipe", operator.ge, 0.85),
    "detect_overhead_ms": ("frame in to result out, less bare inference, p50", operator.le, 8),
    "first_token_overhead_ms": ("first token, less bare llama.cpp's", operator.le, 15),
    "llm_cache_hit_ms": ("an answer from the cache, end to end", operator.le, 5),
    "tts_first_sound_ms": ("first sound of a 400-word text", operator.le, 150),
}


def show(figures: Mapping[str, float], memory_mb: Mapping[str, float]) -> None:
    console = Console(width=120)
    table = Table("key", "what", "must", "measured", "")
    for key, (what, better, must) in MUSTS.items():
        if key not in figures:
            continue
        sign = ">=" if better is operator.ge else "<="
        verdict = "[green]ok[/]" if better(figures[key], must) else "[red]missed[/]"
        table.add_row(key, what, f"{sign} {must:g}", f"{figures[key]:g}", verdict)
    console.print(table)
    others = Table("beside it", "measured")
    for key, value in figures.items():
        if key not in MUSTS:
            others.add_row(key, f"{value:g}")
    for queue, value in memory_mb.items():
        others.add_row(f"memory of the worker for {queue}, models loaded", f"{value:.0f} MB")
    console.print(others)
