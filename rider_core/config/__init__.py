"""Settings: from the environment and `rider.toml`, checked once, at the start of a process."""

from rider_core.config.settings import Settings, load_settings

__all__ = ["Settings", "load_settings"]
