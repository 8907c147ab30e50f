"""Engines for these tests: they wait for a file, raise, answer with their request, or are unavailable.

The first word of a text is a command: `wait FILE`, `break`, `fail`, `tell`, `count`, `go`, `none`. The engine and
the command of each stream that is stopped early are written into the file of the environment variable STOPPED.
"""

SOURCE = '''
import json, os, time
from contextlib import contextmanager
from rider_core.api import AudioClip, GenerationEnd, Health, TextGenerator, TextToSpeech, hookimpl
from rider_core.errors import InvalidInput, ProviderUnavailable

RIDER_API = "1.0"

def wait_for(file):
    end = time.monotonic() + 20
    while not os.path.exists(file):
        assert time.monotonic() < end, "nothing created " + file
        time.sleep(0.01)

@contextmanager
def noted(name):
    try:
        yield
    except GeneratorExit:
        with open(os.environ["STOPPED"], "a") as file:
            file.write(name + "\\n")
        raise

class Patient(TextGenerator):
    name = "patient"

    def models(self):
        return ("patient-small", "team/patient-large")

    def generate_stream(self, request):
        what, *more = request.prompt.split()
        with noted("patient:" + what):
            if what == "fail":
                raise InvalidInput("the prompt is 'fail'", remedy="say something else")
            if what == "tell":
                yield request.model_dump_json()
                return GenerationEnd(model=request.model, finish_reason="length", prompt_tokens=7, completion_tokens=3)
            yield "first "
            if what == "break":
                raise RuntimeError("the engine broke")
            if what == "go":
                for number in range(1_000):
                    time.sleep(0.02)
                    yield "on and on "
            if what == "wait":
                wait_for(more[0])
            yield "second"
            return GenerationEnd(model=request.model, prompt_tokens=7, completion_tokens=2) if what == "count" else None

class Twin(TextGenerator):
    """Has a model of the same name."""
    name = "twin"

    def models(self):
        return ("patient-small",)

    def generate_stream(self, request):
        yield "the twin's " + str(request.model)

class Strict(TextGenerator):
    """Supports JSON schemas: it answers with the text after `say`, else with its request."""
    name = "strict"
    abilities = frozenset({"json"})

    def generate_stream(self, request):
        if request.json_schema is None:
            yield request.model_dump_json()
            return
        wanted = request.prompt.partition("say ")[2]
        yield wanted or json.dumps({"asked": request.json_schema, "system": request.system_prompt})

class Away(TextGenerator):
    name = "away"

    def health(self):
        return Health.unavailable("its server does not answer", "start-the-server")

    def generate_stream(self, request):
        raise ProviderUnavailable("its server does not answer", remedy="start-the-server")
        yield

class Slow(TextGenerator):
    """Its server is slow with the list of models."""
    name = "slow"

    def models(self):
        wait_for(os.environ["SLOW_MODELS"])
        return ("slow-model",)

    def generate_stream(self, request):
        yield "slow"

class Hoarse(TextToSpeech):
    name = "hoarse"

    def synthesize_stream(self, request):
        what, *more = request.text.split()
        with noted("hoarse:" + what):
            if what == "none":
                raise InvalidInput("the text is 'none'")
            yield AudioClip(bytes(3_200), request.sample_rate or 16_000)
            if what == "break":
                raise RuntimeError("the engine lost its voice")
            if what == "wait":
                wait_for(more[0])
            for number in range(1_000 if what == "go" else 1):
                time.sleep(0.02 if what == "go" else 0)
                yield AudioClip(bytes([1, 0]) * 1_600, request.sample_rate or 16_000)

@hookimpl
def register_providers(register):
    for provider in (Patient, Twin, Strict, Away, Slow, Hoarse):
        register(provider)
'''
