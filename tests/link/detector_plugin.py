"""A detector for tests of the link. It ignores the picture, and returns the detections in the file named by DETECTIONS:
a list of `[label, score, box]` in a picture of 640 x 480. Without the file it returns none.

While the file BROKEN exists, it fails with that file's text. It waits for the number of seconds in the file SLOW.
"""

SOURCE = """
import json, os, time
from rider_core.api import DetectedObject, Detections, ObjectDetector, hookimpl
from rider_core.errors import InvalidInput, ProviderUnavailable

RIDER_API = "1.0"

def content(name):
    try:
        return open(os.environ[name]).read()
    except FileNotFoundError:
        return ""

class TestDetector(ObjectDetector):
    name = "test-detector"
    def detect_batch(self, frames):
        if content("BROKEN"):
            raise ProviderUnavailable(content("BROKEN"))
        time.sleep(float(content("SLOW") or 0))
        if not all(frame.jpeg.startswith(b"\\xff\\xd8") for frame in frames):
            raise InvalidInput("that is no picture")
        detections = json.loads(content("DETECTIONS") or "[]")
        found = [DetectedObject(label=label, score=score, box=box) for label, score, box in detections]
        return [Detections(objects=found, width=640, height=480) for frame in frames]

@hookimpl
def register_providers(register):
    register(TestDetector)
"""
