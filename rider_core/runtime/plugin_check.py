"""Loads all plugins in a process of its own, and tells what does not work: a plugin that was installed a moment ago is
tried there before it counts.

    python -m rider_core.runtime.plugin_check FILE
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from pydantic import Field

from rider_core.api.messages import Message
from rider_core.config import Settings, load_settings
from rider_core.errors import ConfigError, ProviderUnavailable, RiderError
from rider_core.pluginhost.registry import DOMAIN_CLASSES
from rider_core.runtime.services import Services

#: Maximum duration of the check, in seconds: imports of large engines take some ten seconds on a slow disk.
LIMIT_S = 180.0
#: Maximum length of a problem, in characters.
MAX_PROBLEM = 1_000


class CheckResult(Message):
    """
    Attributes:
        packages: Plugin to the package that it comes from.
        problems: What does not work, such as "plugin echo", to the reason.
    """

    packages: dict[str, str] = Field(default_factory=dict)
    problems: dict[str, str] = Field(default_factory=dict)


def check_plugins(folder: Path) -> CheckResult:
    """Check in a fresh process. Nothing is raised: a check that fails is a problem, too.

    Args:
        folder: For its result, which is removed.
    """
    file = folder / "plugin-check.json"
    file.unlink(missing_ok=True)
    command = [sys.executable, "-m", "rider_core.runtime.plugin_check", str(file)]
    # Safe mode would load nothing, and find no problem.
    environment = {**os.environ, "RIDER_SAFE_MODE": "false"}
    try:
        status = subprocess.call(command, env=environment, stdin=subprocess.DEVNULL, timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        return CheckResult(problems={"check": f"the plugins were not loaded within {LIMIT_S:g} s"})
    try:
        return CheckResult.model_validate_json(file.read_bytes())
    except (OSError, ValueError):
        return CheckResult(problems={"check": f"the process that loaded the plugins ended with status {status}"})
    finally:
        file.unlink(missing_ok=True)


def main() -> None:
    result = _check()
    Path(sys.argv[1]).write_text(json.dumps(result.model_dump()))  # ASCII


def _check() -> CheckResult:
    try:
        settings = load_settings()
        services = Services.open(settings, role="cli")
    except RiderError as error:  # a required plugin, or the job backend, is missing
        return CheckResult(problems={"start": str(error)[:MAX_PROBLEM]})
    try:
        problems = _problems(settings, services)
        packages = {record.name: record.package for record in services.plugins.records()}
    finally:
        with suppress(RiderError):
            services.close()
    return CheckResult(packages=packages, problems={name: text[:MAX_PROBLEM] for name, text in problems.items()})


def _problems(settings: Settings, services: Services) -> dict[str, str]:
    """Plugins that fail, and settings that do not fit them."""
    registry = services.plugins.registry
    found = {
        f"plugin {record.name}": record.reason
        for record in services.plugins.records()
        if not record.loaded and record.state.value != "disabled"
    }
    for name in registry.providers:
        # A new plugin may need a setting that did not exist before its installation.
        if not (settings.provider_settings.get(name) or services.saved_provider_settings(name)):
            continue
        try:
            services.provider_config(name)
        except ConfigError as error:
            found[f"settings of {name}"] = str(error)
    for domain in DOMAIN_CLASSES:
        try:
            services.provider_names(domain)
        except ProviderUnavailable:
            continue  # no engine is installed for it: that is no mistake
        except ConfigError as error:
            found[f"setting providers.{domain.domain}"] = str(error)
    if settings.tracker and settings.tracker not in registry.trackers:
        found["setting tracker"] = f"there is no tracker {settings.tracker!r}"
    return found


if __name__ == "__main__":
    main()
