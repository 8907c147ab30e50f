"""Every hook that a plugin may implement, and the markers for it. This file is the whole extension surface.

A plugin is a module (or an object) named by an entry point in the group `rider_core.plugins`. It states
`RIDER_API = "1.0"` and decorates its functions with `rider_core.api.hookimpl`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pluggy

from rider_core.api.events import Event
from rider_core.api.health import Health
from rider_core.api.job_transport import JobTransport
from rider_core.api.models import ModelEntry
from rider_core.api.object_tracking import ObjectTracker
from rider_core.api.panel import PanelCard, PanelPage
from rider_core.api.provider import Provider, ProviderConfig

if TYPE_CHECKING:
    import click

PROJECT_NAME = "rider_core"
ENTRY_POINT_GROUP = "rider_core.plugins"

hookspec = pluggy.HookspecMarker(PROJECT_NAME)
hookimpl = pluggy.HookimplMarker(PROJECT_NAME)


@hookspec
def register_providers(register: Callable[[type[Provider]], None]) -> None:
    """Offer engines: call `register(MyProvider)` for each class."""


@hookspec
def register_models(register: Callable[[ModelEntry], None]) -> None:
    """Describe the model files that the providers need: call `register(entry)` for each."""


@hookspec
def register_trackers(register: Callable[[str, Callable[[], ObjectTracker]], None]) -> None:
    """Offer object trackers: call `register("name", factory)`; the factory is called for each stream of frames."""


@hookspec
def register_job_transports(register: Callable[[str, Callable[[], JobTransport]], None]) -> None:
    """Offer a broker for jobs: call `register("name", factory)`; `TASK_QUEUE_BACKEND=name` chooses it."""


@hookspec
def register_routes(register: Callable[[Any], None]) -> None:
    """Add pages or API routes to the panel: call `register(blueprint)` with a Flask blueprint."""


@hookspec
def register_pages(register: Callable[[PanelPage | PanelCard], None]) -> None:
    """Name pages for the panel's menu, and cards for its dashboard: `register(PanelPage(title="Arm", path="/arm"))`.

    Their paths are GET routes of `register_routes`.
    """


@hookspec
def register_health_checks(register: Callable[[str, Callable[[], Health]], None]) -> None:
    """Add checks to `rider doctor` and the panel: call `register("name", check)`."""


@hookspec
def register_commands(cli: click.Group, provider_config: Callable[[str], ProviderConfig]) -> None:
    """Add commands to `rider`: decorate functions with `@cli.command()`.

    `provider_config("name")` returns a provider's settings as in a worker, or raises `ConfigError`. It reads files, so
    call it when the command runs. A hook that does not need it leaves the argument out.
    """


@hookspec
def on_startup(services: Any) -> None:
    """A process of Rider-PC has started. `services` is its `rider_core.runtime.Services`."""


@hookspec
def on_shutdown(services: Any) -> None:
    """A process of Rider-PC is about to end."""


@hookspec
def on_event(event: Event) -> None:
    """Handle an event. Called in the panel's process, from one thread, in order; must return fast."""
