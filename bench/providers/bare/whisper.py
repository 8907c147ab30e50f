"""whisper.cpp as pywhispercpp's own documentation uses it: all defaults, the language given.

    python whisper.py MODEL

Each line of input is the name of a WAV file (16-bit mono, 16 kHz). The answer: seconds, and what was heard.
"""

from __future__ import annotations

import json
import sys
import time
import wave

import numpy as np
from pywhispercpp.model import Model

model = Model(sys.argv[1], print_progress=False, print_realtime=False, print_timestamps=False)
print(json.dumps({}), flush=True)
for line in sys.stdin:
    name, language = line.split()
    with wave.open(name) as reader:
        samples = np.frombuffer(reader.readframes(reader.getnframes()), "<i2").astype(np.float32) / 32768
    started = time.perf_counter()
    segments = model.transcribe(samples, language=language)
    seconds = time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "text": " ".join(segment.text for segment in segments)}), flush=True)
