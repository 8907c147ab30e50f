"""A text provider for tests of the worker: it writes every start and end into a journal, and fails on request.

The prompt is a command: `ID` alone is answered at once; `ID slow SECONDS`, `ID stream PIECES` (one in 20 ms),
`ID raise`, `ID late SECONDS` (raises after them), `ID refuse`, `ID kill` (kills its worker at once), `ID patience`
(answers with the seconds left until the deadline), `ID leak MEGABYTES` (and keeps them), `ID evil` (answers with
terminal control sequences). The journal has a line `together N` for each batch.
"""

SOURCE = """
import os, time
from rider_core.api import TextGenerator, hookimpl
from rider_core.errors import InvalidInput

RIDER_API = "1.0"
JOURNAL = os.environ["JOURNAL"]

def note(*words):
    with open(JOURNAL, "a") as journal:
        journal.write(" ".join(map(str, (*words, os.getpid()))) + "\\n")

class Probe(TextGenerator):
    name = "probe"

    def open(self):
        note("-", "open")

    def close(self):
        note("-", "close")

    def generate_stream(self, request):
        job, what, *more = [*request.prompt.split(), "answer"]
        if what == "kill":  # before another thread can run
            os.kill(os.getpid(), 9)
        note(job, "start")
        if what == "raise":
            raise RuntimeError("the engine broke")
        if what == "refuse":
            raise InvalidInput("the prompt is 'refuse'", remedy="say something else")
        if what in ("slow", "late"):
            time.sleep(float(more[0]))
        if what == "late":
            raise RuntimeError("the engine broke late")
        if what == "leak":
            self.leaked = bytearray(int(more[0]) << 20)
        if what == "stream":
            for _ in range(int(more[0])):
                time.sleep(0.02)
                yield "and "
        if what == "evil":
            yield "\\x1b]0;owned\\x07 \\u202e"
            yield "half \\ud83d"
        if what == "patience":
            yield f"{self.context.time_left_s():.3f}"
            return
        yield "well, "
        yield job
        note(job, "end")

class Together(Probe):
    name = "together"
    max_batch = 4
    max_wait_ms = float(os.environ.get("MAX_WAIT_MS", "0"))

    def generate_batch(self, requests):
        note("together", len(requests))
        if any("spoil" in request.prompt for request in requests):
            raise RuntimeError("one of them spoils all")
        return super().generate_batch(requests)

@hookimpl
def register_providers(register):
    register(Probe)
    register(Together)
"""
