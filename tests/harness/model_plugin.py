"""A plugin with models that a test's own server has, and an engine that needs the first of them."""

from __future__ import annotations

from pathlib import Path

from harness.model_server import noise, sha256
from rider_core.testing.processes import install_plugin

PLUGIN = "listening"
ENGINE = "listener"
#: Model to the bytes of its file. The engine needs the first.
BODIES = {name: noise(600_000, seed) for seed, name in enumerate(("ears", "nose", "tongue", "skin"))}
#: A model that no disk has room for.
HUGE = "universe"

_SOURCE = """
from pydantic import Field
from rider_core.api import ModelEntry, ProviderConfig, SpeechToText, Transcript, UrlSource, hookimpl

RIDER_API = "1.0"
SIZES = {sizes!r}
DIGESTS = {digests!r}


class Config(ProviderConfig):
    model: str = Field("ears", description="the model")


class Listener(SpeechToText):
    name = "listener"
    Config = Config

    def required_models(self):
        return (self.config.model,)

    def open(self):
        self.context.model_path(self.config.model)

    def languages(self):
        return ("en",)

    def transcribe_batch(self, clips, language):
        return [Transcript(text="heard", language="en") for _ in clips]


@hookimpl
def register_providers(register):
    register(Listener)


@hookimpl
def register_models(register):
    for name, size_bytes in SIZES.items():
        register(ModelEntry(
            name=name, filename=name + ".bin", description="what a robot perceives with its " + name, licence="MIT",
            size_bytes=size_bytes, sha256=DIGESTS[name], sources=(UrlSource({url!r} + "/" + name),),
        ))
"""


def install_models(folder: Path, url: str) -> None:
    """Put the plugin into `folder`. Its models are below `url`, by their names."""
    sizes = {**{name: len(body) for name, body in BODIES.items()}, HUGE: 1 << 60}
    digests = {**{name: sha256(body) for name, body in BODIES.items()}, HUGE: "0" * 64}
    install_plugin(folder, PLUGIN, _SOURCE.format(sizes=sizes, digests=digests, url=url))
