"""The cost and the gain of the layers around each engine: `make bench-providers`.

Each figure is a ratio or a difference to the bare engine in a plain script, measured in turns in the same run: how fast
a machine is changes from one minute to the next. Our side is a real worker for each queue, over a real Redis. The
recording and the photographs come from a folder (`--media`, see its default), the models from RIDER_MODEL_PATH;
missing ones are fetched once. Prints a table, and as its last line one JSON object.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import cv2
import hearing
import report
import seeing
import speaking
import thinking
from rich.console import Console
from stack import ROOT, stack

SECTIONS = ("speaking", "thinking", "seeing", "hearing")
PHOTOGRAPHS = ("astronaut.jpg", "chelsea.jpg", "coffee.jpg")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--media", type=Path, default=ROOT.parent / "shared" / "media", help="beckett.wav, photographs")
    parser.add_argument("--only", choices=SECTIONS, action="append", help="a part alone; may be given several times")
    options = parser.parse_args()
    missing = [name for name in ("beckett.wav", *PHOTOGRAPHS) if not (options.media / name).is_file()]
    if missing:
        sys.exit(f"bench-providers: {options.media} lacks {', '.join(missing)}; name another folder with --media")
    console = Console(stderr=True)
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="bench-providers-") as name, stack(Path(name)) as ours:
        folder = Path(name)
        for section in options.only or SECTIONS:
            console.print(f"measuring: {section}")
            if section == "speaking":
                figures |= speaking.measure(ours)
            elif section == "thinking":
                figures |= thinking.measure(ours)
            elif section == "seeing":
                figures |= seeing.measure(ours, _frames(options.media, folder))
            else:
                figures |= hearing.measure(ours, options.media / "beckett.wav", folder / "clips")
        memory_mb = ours.memory_mb()
    report.show(figures, memory_mb)
    print(json.dumps({**figures, "memory_mb": {name: round(value) for name, value in memory_mb.items()}}))


def _frames(media: Path, folder: Path) -> list[Path]:
    """The photographs as a camera would send them: 640 x 480."""
    frames = []
    for name in PHOTOGRAPHS:
        pixels = cv2.resize(cv2.imread(str(media / name)), (640, 480), interpolation=cv2.INTER_AREA)
        frames.append(folder / name)
        cv2.imwrite(str(frames[-1]), pixels, [cv2.IMWRITE_JPEG_QUALITY, 85])
    return frames


if __name__ == "__main__":
    main()
