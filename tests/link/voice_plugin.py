"""A plugin for tests of the link: a transcript is the clip's length, speech is a tone for each word, and an answer is
the prompt, word by word; before a word that begins with "wait" it waits until the file named by GO exists.

While the file named by BROKEN exists, it fails with that file's text.
"""

SOURCE = """
import os, struct, time
from rider_core.api import AudioClip, SpeechToText, TextGenerator, TextToSpeech, Transcript, hookimpl
from rider_core.errors import InvalidInput, ProviderUnavailable

RIDER_API = "1.0"

def fail_if_broken():
    if os.path.exists(os.environ["BROKEN"]):
        raise ProviderUnavailable(open(os.environ["BROKEN"]).read())

class TestAsr(SpeechToText):
    name = "test-asr"
    def transcribe_batch(self, clips, language):
        fail_if_broken()
        return [Transcript(text=f"{clip.duration_s:.1f} seconds", language=language, duration_s=clip.duration_s)
                for clip in clips]

class TestTts(TextToSpeech):
    name = "test-tts"
    def synthesize_stream(self, request):
        if request.voice not in (None, "en", "pl"):
            raise InvalidInput(f"there is no voice {request.voice!r}")
        for number, word in enumerate(request.text.split(), start=1):
            fail_if_broken()
            yield AudioClip(struct.pack("<h", number) * 160 * len(word), 16000)

class TestLlm(TextGenerator):
    name = "test-llm"
    def generate_stream(self, request):
        fail_if_broken()
        if request.prompt == "impossible":
            raise InvalidInput("impossible")
        if request.prompt == "history?":
            yield " ".join(f"{turn.role} {turn.content}" for turn in request.history)
            return
        if request.prompt == "system?":
            yield str(request.system_prompt)
            return
        for word in request.prompt.split():
            while word.startswith("wait") and not os.path.exists(os.environ["GO"]):
                time.sleep(0.01)
                yield " "
            yield word + " "

@hookimpl
def register_providers(register):
    register(TestAsr)
    register(TestTts)
    register(TestLlm)
"""
