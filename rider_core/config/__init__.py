"""Settings: from the environment, `.env` files and `rider.toml`, checked once, at the start of a process."""

from rider_core.config.addresses import authority
from rider_core.config.file import config_file, line_of
from rider_core.config.loading import did_you_mean, load_settings, origin_of, unknown_variables
from rider_core.config.settings import Settings, variable_of, variables_of

__all__ = [
    "Settings",
    "authority",
    "config_file",
    "did_you_mean",
    "line_of",
    "load_settings",
    "origin_of",
    "unknown_variables",
    "variable_of",
    "variables_of",
]
