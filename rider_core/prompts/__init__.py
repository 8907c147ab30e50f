"""System prompts by name: those that come along. What people wrote is in the store; `runtime.prompts` joins both."""

from rider_core.prompts.built_in import BUILT_IN, DEFAULT_PRESET

__all__ = ["BUILT_IN", "DEFAULT_PRESET"]
