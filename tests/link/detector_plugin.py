"""A detector for tests of the link. It looks at no picture: it finds what the file named by DETECTIONS says, a list of
`[label, score, box]` in a picture of 640 x 480, and nothing where there is no such file.

It fails while the file BROKEN exists, with that file's text, and dawdles for as many seconds as the file SLOW says.
"""

SOURCE = """
import json, os, time
from rider_core.api import DetectedObject, Detections, ObjectDetector, hookimpl
from rider_core.errors import InvalidInput, ProviderUnavailable

RIDER_API = "1.0"

def said(name):
    try:
        return open(os.environ[name]).read()
    except FileNotFoundError:
        return ""

class TestDetector(ObjectDetector):
    name = "test-detector"
    def detect_batch(self, frames):
        if said("BROKEN"):
            raise ProviderUnavailable(said("BROKEN"))
        time.sleep(float(said("SLOW") or 0))
        if not all(frame.jpeg.startswith(b"\\xff\\xd8") for frame in frames):
            raise InvalidInput("that is no picture")
        told = json.loads(said("DETECTIONS") or "[]")
        found = [DetectedObject(label=label, score=score, box=box) for label, score, box in told]
        return [Detections(objects=found, width=640, height=480) for frame in frames]

@hookimpl
def register_providers(register):
    register(TestDetector)
"""
