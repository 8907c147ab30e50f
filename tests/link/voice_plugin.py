"""A voice plugin for tests of the link: its transcripts tell the clip's length, its speech is a tone for each word.

It fails while the file named by BROKEN exists, and what that file says is the error's text.
"""

SOURCE = """
import os, struct, math
from rider_core.api import AudioClip, SpeechToText, TextToSpeech, Transcript, hookimpl
from rider_core.errors import ProviderUnavailable

RIDER_API = "1.0"

def break_if_told():
    if os.path.exists(os.environ["BROKEN"]):
        raise ProviderUnavailable(open(os.environ["BROKEN"]).read())

class Ear(SpeechToText):
    name = "test-ear"
    def transcribe_batch(self, clips, language):
        break_if_told()
        return [Transcript(text=f"{clip.duration_s:.1f} seconds", language=language, duration_s=clip.duration_s)
                for clip in clips]

class Mouth(TextToSpeech):
    name = "test-mouth"
    def synthesize_stream(self, request):
        for number, word in enumerate(request.text.split(), start=1):
            break_if_told()
            yield AudioClip(struct.pack("<h", number) * 160 * len(word), 16000)

@hookimpl
def register_providers(register):
    register(Ear)
    register(Mouth)
"""
