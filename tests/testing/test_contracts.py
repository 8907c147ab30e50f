"""The contract tests work: a good provider passes all of them, a broken one fails the expected one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

PROVIDERS = Path(__file__).parent / "broken_providers"
#: Where each contract's providers stand.
MODULES = {
    "TextGeneratorContract": "text_generators",
    "SpeechToTextContract": "speech_recognisers",
    "TextToSpeechContract": "speech_synthesisers",
    "ObjectDetectorContract": "object_detectors",
}

GOOD = [
    ("TextGeneratorContract", "GoodText"),
    ("TextGeneratorContract", "TwoModels"),
    ("SpeechToTextContract", "GoodStt"),
    ("TextToSpeechContract", "GoodTts"),
    ("ObjectDetectorContract", "GoodDetector"),
]

BROKEN = {
    "TextGeneratorContract": {
        "BadName": "test_the_plugin_host_takes_it",
        "MadeUpInSecret": "test_mock_flag",
        "BareSetting": "test_config_is_described",
        "TakesAnySetting": "test_config_refuses_unknown_keys",
        "HealthNeedsOpen": "test_health_without_open",
        "HealthWithoutReason": "test_health_without_open",
        "HealthIsABool": "test_health_when_open_from_another_thread",
        "OpenStartsAThread": "test_open_and_close",
        "SaysBytes": "test_stream",
        "SaysNothing": "test_generate",
        "EmptyDelta": "test_stream",
        "TalksOn": "test_length_limit",
        "TextThread": "test_closing_early_leaves_nothing_behind",
        "FailsOnHistory": "test_history",
        "KnowsOneOfTwo": "test_its_models_can_be_asked_for",
        "TakesAnyModel": "test_unknown_model_is_refused",
        "ListsModelsWhenOpen": "test_models_without_open",
        "RemembersWhatWasSaid": "test_same_request_same_answer",
        "TalksOverTheStop": "test_stop",
        "SilentAboutItsEnd": "test_says_when_it_was_cut",
        "CountsCharacters": "test_token_counts",
        "FailsOnBlank": "test_odd_prompt_is_answered_or_refused_and_does_no_harm",
    },
    "SpeechToTextContract": {
        "BatchBackwards": "test_batch_keeps_the_order",
        "BatchShort": "test_batch_keeps_the_order",
        "HearsInSilence": "test_invents_nothing_in_silence",
        "EmptyIsSpeech": "test_transcribes",
        "LateSegment": "test_transcribes",
        "SegmentsBackwards": "test_transcribes",
        "SegmentMissing": "test_transcribes",
        "TakesAnyLanguage": "test_unknown_language_is_refused_and_does_no_harm",
        "OtherLanguage": "test_transcribes",
        "RefusalBreaksIt": "test_unknown_language_is_refused_and_does_no_harm",
        "OneRateOnly": "test_any_rate_and_channels",
    },
    "TextToSpeechContract": {
        "Stereo": "test_stream",
        "Mute": "test_stream",
        "MixedRates": "test_stream",
        "NothingForBlank": "test_odd_text_is_said_or_refused_and_does_no_harm",
        "FailsOnNul": "test_odd_text_is_said_or_refused_and_does_no_harm",
        "OwnSampleRate": "test_sample_rate",
        "OwnRate": "test_rate",
        "AnyVoice": "test_unknown_voice_is_refused_and_does_no_harm",
        "AlwaysTheSame": "test_more_text_takes_longer",
        "HalfInOneGo": "test_synthesize",
        "OneBigChunk": "test_the_longest_text",
        "VoiceTwice": "test_voices",
        "SpeechThread": "test_closing_early_leaves_nothing_behind",
    },
    "ObjectDetectorContract": {
        "SizeSwapped": "test_size_of_the_picture",
        "WorstFirst": "test_detects",
        "WidthAndHeight": "test_detects",
        "BoxOutside": "test_detects",
        "SeesInNothing": "test_what_is_no_picture_is_refused_quickly_and_does_no_harm",
        "FailsOnGarbage": "test_what_is_no_picture_is_refused_quickly_and_does_no_harm",
        "FirstOnly": "test_batch_keeps_the_order",
    },
}

TEST_FILE = """
import pytest
from broken_providers.loose_thread import LooseThread
from broken_providers.{module} import {provider}
from rider_core.testing import {contract}

@pytest.fixture(autouse=True, scope="module")
def stop_threads():
    yield
    LooseThread.stop_all()

class TestIt({contract}):
    provider_class = {provider}
    thread_end_s = 0.2
"""


def run_contract(pytester: pytest.Pytester, contract: str, provider: str) -> tuple[list[str], set[str]]:
    """Names of the tests that passed, and of those that failed."""
    shutil.copytree(PROVIDERS, pytester.path / PROVIDERS.name)
    pytester.makepyfile(test_it=TEST_FILE.format(contract=contract, module=MODULES[contract], provider=provider))
    run = pytester.inline_run("-q", "-W", "error", "-p", "no:cacheprovider", "test_it.py")
    passed, skipped, failed = run.listoutcomes()
    assert not skipped
    return [name_of(report) for report in passed], {name_of(report) for report in failed}


def name_of(report: pytest.TestReport | pytest.CollectReport) -> str:
    return report.nodeid.rpartition("::")[2].partition("[")[0]


@pytest.mark.parametrize(("contract", "provider"), GOOD)
def test_good_provider_passes(pytester: pytest.Pytester, contract: str, provider: str) -> None:
    passed, failed = run_contract(pytester, contract, provider)
    assert not failed
    assert len(passed) > 12
    assert set(BROKEN[contract].values()) <= set(passed), "the table names a test that does not exist"


@pytest.mark.parametrize(
    ("contract", "provider", "caught_by"),
    [(contract, provider, test) for contract, table in BROKEN.items() for provider, test in table.items()],
    ids=[provider for table in BROKEN.values() for provider in table],
)
def test_broken_provider_fails(pytester: pytest.Pytester, contract: str, provider: str, caught_by: str) -> None:
    passed, failed = run_contract(pytester, contract, provider)
    assert caught_by in failed
    assert passed, "everything failed: that is not the one fault of this provider"
