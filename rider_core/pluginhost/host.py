"""Discovers plugins, and isolates them: pluggy calls the hooks, and an error in one plugin affects no other."""

from __future__ import annotations

import difflib
import inspect
import logging
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from contextlib import redirect_stdout
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import pluggy

from rider_core.api import hookspecs
from rider_core.api.version import check_api_version
from rider_core.errors import PluginError, PluginIncompatible
from rider_core.interrupted import Interrupted
from rider_core.pluginhost.guarded import FOREIGN_ERRORS, shown
from rider_core.pluginhost.record import PluginRecord, PluginState, package_of
from rider_core.pluginhost.registry import PluginRegistry

log = logging.getLogger(__name__)


class PluginHost:
    """The plugins of one process."""

    def __init__(self, disabled: Sequence[str] = (), required: Sequence[str] = (), safe_mode: bool = False) -> None:
        """
        Args:
            disabled: Names of plugins that are not loaded.
            required: Names of plugins without which `load` raises.
            safe_mode: Load none at all.
        """
        self._disabled = frozenset(disabled)
        self._required = tuple(required)
        self.safe_mode = safe_mode
        self._manager = pluggy.PluginManager(hookspecs.PROJECT_NAME)
        self._manager.add_hookspecs(hookspecs)
        self._records: dict[str, PluginRecord] = {}
        self.registry = PluginRegistry()

    def load(self, found: Iterable[EntryPoint] | None = None) -> None:
        """Load and register everything that is installed.

        Args:
            found: The entry points to look at. None: those of the environment.

        Raises:
            PluginError: a required plugin is not usable.
        """
        candidates = entry_points(group=hookspecs.ENTRY_POINT_GROUP) if found is None else found
        for entry_point in sorted(candidates, key=lambda point: point.name):
            self._load_one(entry_point)
        for record in self.records():
            if record.loaded:
                self._register_all(record)
        self._check_required()

    def records(self) -> list[PluginRecord]:
        """Every plugin that was found, by name."""
        return [self._records[name] for name in sorted(self._records)]

    def notify(self, hook: str, **arguments: Any) -> None:
        """Call a hook in every plugin that implements it. Exceptions are logged and recorded; the others are called."""
        for implementation in getattr(self._manager.hook, hook).get_hookimpls():
            self.notify_one(implementation.plugin_name, hook, **arguments)

    def notify_one(self, name: str, hook: str, **arguments: Any) -> None:
        """Call a hook in one loaded plugin. An exception is logged and recorded."""
        record = self._records[name]
        try:
            self._caller(hook, name)(**arguments)
        except Interrupted:
            raise
        except FOREIGN_ERRORS:
            record.reason = f"{hook} raised, see its traceback"
            record.traceback = traceback.format_exc()
            log.exception("plugin %s: %s raised", name, hook)

    def hooks_of(self, name: str) -> list[str]:
        """Names of the hooks that a loaded plugin implements, sorted; empty where it is not loaded."""
        plugin = self._manager.get_plugin(name)
        callers = self._manager.get_hookcallers(plugin) if plugin is not None else None
        return sorted(caller.name for caller in callers or ())

    def _load_one(self, entry_point: EntryPoint) -> None:
        record = PluginRecord(entry_point.name, *package_of(entry_point))
        if record.name in self._records:
            other = self._records[record.name]
            other.reason = f"package {record.package} has a plugin of the same name, which is not loaded"
            log.error("plugin %s: %s", record.name, other.reason)
            return
        self._records[record.name] = record
        if self.safe_mode or record.name in self._disabled:
            record.state = PluginState.DISABLED
            record.reason = "safe mode" if self.safe_mode else "switched off in the settings (plugins_disabled)"
            return
        try:
            # Output during the import must not mix with that of `rider ... --json`.
            with redirect_stdout(sys.stderr):
                plugin = entry_point.load()
            check_api_version(getattr(plugin, "RIDER_API", None))
            self._check_hooks(plugin)
            self._manager.register(plugin, name=record.name)
        except PluginIncompatible as error:
            record.state, record.reason = PluginState.INCOMPATIBLE, str(error)
        except Interrupted:
            raise
        except FOREIGN_ERRORS as error:
            self._fail(record, error)

    def _check_hooks(self, plugin: Any) -> None:
        """Raise `PluginError` for unmarked and misspelled hooks: pluggy ignores hooks that do not exist."""
        known = [name for name in vars(hookspecs) if hasattr(getattr(hookspecs, name), "rider_core_spec")]
        for name in known:
            found = getattr(plugin, name, None)
            if inspect.isroutine(found) and not hasattr(found, "rider_core_impl"):
                raise PluginError(
                    f"its {name} is not marked as a hook", remedy="write @hookimpl (rider_core.api) above it"
                )
        for name in dir(plugin):
            marked = getattr(getattr(plugin, name, None), "rider_core_impl", None)
            if marked and not marked.get("optionalhook") and name not in known:
                close = difflib.get_close_matches(name, known, n=1)
                raise PluginError(
                    f"there is no hook {name!r}",
                    remedy=f"did you mean {close[0]!r}?" if close else f"the hooks are: {', '.join(known)}",
                )

    def _register_all(self, record: PluginRecord) -> None:
        registry = self.registry
        register_calls: dict[str, Callable[..., None]] = {
            "register_models": partial(registry.add_model, record.name),
            "register_providers": partial(registry.add_provider, record.name),
            "register_trackers": partial(registry.add_tracker, record.name),
            "register_job_transports": partial(registry.add_job_transport, record.name),
            "register_health_checks": partial(registry.add_health_check, record.name),
            "register_pages": partial(registry.add_page, record.name),
            "register_routes": partial(registry.add_routes, record.name),
        }
        try:
            with redirect_stdout(sys.stderr):
                for hook, register_call in register_calls.items():
                    self._caller(hook, record.name)(register=register_call)
        except Interrupted:
            raise
        except FOREIGN_ERRORS as error:
            registry.remove_all_of(record.name)
            self._manager.unregister(name=record.name)
            self._fail(record, error)
        record.providers = registry.names_of(record.name)

    def _caller(self, hook: str, plugin: str) -> pluggy.HookCaller:
        """A caller of `hook` in this plugin only."""
        others = [other for name, other in self._manager.list_name_plugin() if name != plugin and other is not None]
        return self._manager.subset_hook_caller(hook, others)

    def _fail(self, record: PluginRecord, error: BaseException) -> None:
        record.state = PluginState.FAILED
        record.reason = str(error) if isinstance(error, PluginError) else shown(error)
        record.traceback = "".join(traceback.format_exception(error))
        log.warning("plugin %s failed: %s", record.name, record.reason)

    def _check_required(self) -> None:
        for name in self._required:
            record = self._records.get(name)
            if record is None or not record.loaded:
                why = record.reason if record else "it is not installed"
                raise PluginError(
                    f"plugin {name!r} is required, but {why}",
                    remedy="repair or install it, or remove it from the setting plugins_required",
                )
