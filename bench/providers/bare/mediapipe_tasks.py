"""MediaPipe's object detector as its own documentation uses it.

    python mediapipe_tasks.py MODEL PICTURE...

Each line of input is a number of pictures. They are decoded with OpenCV, which is the quickest way at hand, and looked
at, one after another. The answer: seconds in all, and the median of the inference alone.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from itertools import cycle, islice
from pathlib import Path

import cv2
import mediapipe as mp
import numpy as np
from mediapipe.tasks.python import BaseOptions, vision

options = vision.ObjectDetectorOptions(
    base_options=BaseOptions(model_asset_path=sys.argv[1]), score_threshold=0.3, category_denylist=["???"]
)
detector = vision.ObjectDetector.create_from_options(options)
pictures = [np.frombuffer(Path(name).read_bytes(), np.uint8) for name in sys.argv[2:]]
print(json.dumps({}), flush=True)
for line in sys.stdin:
    inference = []
    started = time.perf_counter()
    for jpeg in islice(cycle(pictures), int(line)):
        pixels = cv2.cvtColor(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
        before = time.perf_counter()
        detector.detect(mp.Image(image_format=mp.ImageFormat.SRGB, data=pixels))
        inference.append(time.perf_counter() - before)
    seconds = time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "inference_s": statistics.median(inference)}), flush=True)
