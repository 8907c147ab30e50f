"""The built-in system prompts by name. `runtime.prompts` overrides them by the saved ones of the database."""

from rider_core.prompts.built_in import BUILT_IN, DEFAULT_PRESET

__all__ = ["BUILT_IN", "DEFAULT_PRESET"]
