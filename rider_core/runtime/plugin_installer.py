"""Installs or removes one plugin's package, checks in a fresh process that all still works, and undoes it if not.

`rider plugins install` runs it here; the panel runs it as a process of its own:

    python -m rider_core.runtime.plugin_installer install|remove PACKAGE BY LOCK
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress

from rider_core.config import Settings, load_settings
from rider_core.config.lists import PACKAGE_NAME
from rider_core.errors import AlreadyExists, InvalidInput, NotFound, PluginError, RiderError
from rider_core.metrics.members import FOLDER_VARIABLE, NAME_VARIABLE
from rider_core.runtime.data_folder import set_private_umask
from rider_core.runtime.installer_process import run_installer
from rider_core.runtime.package_backup import PackageBackup
from rider_core.runtime.plugin_change_record import Action, Phase, PluginChange, PluginChangeRecord
from rider_core.runtime.plugin_check import CheckResult, check_plugins
from rider_core.runtime.plugin_packages import CORE, PackageInstaller, installed_packages, normalized, plugins_in


def check_request(action: Action, package: str) -> None:
    """Refuse what cannot succeed, before anything is changed.

    Raises:
        InvalidInput: this is no name of a package, or the program's own.
        AlreadyExists, NotFound: it is installed already, or is not.
        PluginError: there is no installer.
    """
    if not PACKAGE_NAME.fullmatch(package) or normalized(package) == CORE:
        raise InvalidInput(f"{package[:100]!r} is not the name of a plugin's package", remedy="use one as rider-echo")
    version = installed_packages().get(normalized(package))
    if action == "install" and version is not None:
        raise AlreadyExists(
            f"{package} {version} is installed already", remedy=f"update it in a terminal: pip install -U {package}"
        )
    if action == "remove" and version is None:
        raise NotFound(f"{package} is not installed", remedy="`rider plugins list` shows what is")
    if action == "remove" and not plugins_in(package):
        raise InvalidInput(f"{package} is installed, but it brings no plugin", remedy="remove it in a terminal")
    PackageInstaller()


def start_change(settings: Settings, action: Action, package: str, by: str) -> PluginChange:
    """Begin a change in a process of its own, which outlives this one. Returns its record at the start.

    Raises:
        Conflict: another change is under way.
        InvalidInput, PluginError: as `check_request`.
    """
    record = PluginChangeRecord(settings)
    lock = record.acquire()
    try:
        check_request(action, package)
        change = PluginChange(action=action, package=package, by=by, phase="starting", started_ts=time.time())
        record.write(change)
        log = record.open_log()
        try:
            command = [sys.executable, "-m", __name__, action, package, by, str(lock)]
            # It would count as another process of the panel's name.
            left_out = (FOLDER_VARIABLE, NAME_VARIABLE)
            environment = {name: value for name, value in os.environ.items() if name not in left_out}
            subprocess.Popen(  # it is reaped by the next one, or with this process
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(lock,),
                start_new_session=True,
            )
        finally:
            os.close(log)
    finally:
        os.close(lock)  # the new process holds it
    return change


def make_change(
    settings: Settings, action: Action, package: str, by: str, write: Callable[[str], None]
) -> PluginChange:
    """Make a change in this process, whose caller holds the lock. Returns the record of its end, also where it failed.

    Args:
        write: Gets each line that tells of the progress.
    """
    record = PluginChangeRecord(settings)
    change = PluginChange(action=action, package=package, by=by, phase="starting", started_ts=time.time())
    steps = _Steps(record, change, write)
    try:
        (steps.install if action == "install" else steps.remove)()
        steps.end("done")
    except RiderError as error:
        steps.end("failed", error.message, error.remedy)
    except OSError as error:
        steps.end("failed", f"{error.filename or 'a file'}: {error.strerror}")
    except BaseException:  # Ctrl-C: it was undone
        steps.end("failed", "it was interrupted")
        raise
    return steps.change


class _Steps:
    """The steps of one change; each is written into the record."""

    def __init__(self, record: PluginChangeRecord, change: PluginChange, write: Callable[[str], None]) -> None:
        self.change = change
        self._record = record
        self._write = write
        self._package = normalized(change.package)
        record.write(change)

    def install(self) -> None:
        """Raises `PluginError`: it failed, and was undone."""
        self._begin("checking")
        before, worked = installed_packages(), self._check()
        constraints = self._record.folder / "plugin-constraints.txt"
        # What is installed stays as it is, so that undoing is to remove what is new.
        constraints.write_text("".join(f"{name}=={version}\n" for name, version in before.items()))
        self._begin("installing")
        try:
            run_installer(PackageInstaller().install(self._package, constraints), self._write)
            self._begin("checking")
            self._check_new_plugins(worked)
        except BaseException as error:  # Ctrl-C among them
            self._undo(error, lambda: self._remove_new(before))
            raise
        finally:
            constraints.unlink(missing_ok=True)

    def remove(self) -> None:
        """Raises `PluginError`: it failed, and was undone."""
        self._update(plugins=tuple(plugins_in(self._package)), version=installed_packages()[self._package])
        self._begin("checking")
        worked = self._check()
        backup = PackageBackup(self._package, self._record.folder / "plugin-backup")

        def restore() -> None:
            backup.restore()
            backup.discard()

        self._begin("removing")
        try:
            run_installer(PackageInstaller().remove([self._package]), self._write)
            if self._package in installed_packages():
                raise PluginError(f"the installer left {self._package} in place", remedy="the log above has more")
            self._begin("checking")
            self._refuse_new_problems(worked, self._check())
        except BaseException as error:  # Ctrl-C among them
            self._undo(error, restore)
            raise
        backup.discard()

    def end(self, phase: Phase, problem: str = "", remedy: str | None = None) -> None:
        self._write(problem or phase)
        self._update(phase=phase, problem=problem, remedy=remedy, ended_ts=time.time())

    def _check(self) -> CheckResult:
        return check_plugins(self._record.folder)

    def _check_new_plugins(self, worked: CheckResult) -> None:
        plugins = plugins_in(self._package)
        self._update(plugins=tuple(plugins), version=installed_packages().get(self._package, ""))
        if not plugins:
            raise PluginError(f"{self._package} brings no plugin", remedy="check its name in RIDER_PLUGINS_INSTALLABLE")
        now = self._check()
        self._refuse_new_problems(worked, now)
        for name in plugins:
            if name not in now.packages:  # nothing could be loaded, before as now
                raise PluginError(
                    f"it could not be checked: {'; '.join(now.problems.values())}", remedy="mend that first"
                )
            owner = now.packages[name]
            if normalized(owner) != self._package:
                raise PluginError(
                    f"package {owner or '?'} has a plugin {name!r} already", remedy=f"remove {owner} first"
                )

    def _refuse_new_problems(self, worked: CheckResult, now: CheckResult) -> None:
        """Problems that were there before are no reason against this change."""
        for what, reason in now.problems.items():
            if worked.problems.get(what) != reason:
                raise PluginError(f"{what}: {reason}", remedy="report it to the plugin's author, or mend the setting")

    def _remove_new(self, before: dict[str, str]) -> None:
        new = sorted(installed_packages().keys() - before.keys())
        if new:
            run_installer(PackageInstaller().remove(new), self._write)

    def _undo(self, cause: BaseException, restore: Callable[[], None]) -> None:
        self._write(str(cause) or type(cause).__name__)
        self._begin("undoing")
        try:
            restore()
        except (RiderError, OSError) as error:
            raise PluginError(
                f"{cause}; and it could not be undone: {error}",
                remedy=f"look at it in a terminal: rider plugins check; pip uninstall {self._package}",
            ) from error

    def _begin(self, phase: Phase) -> None:
        self._write(f"{phase} {self._package}" if phase in ("installing", "removing") else phase)
        self._update(phase=phase)

    def _update(self, **changes: object) -> None:
        self.change = self.change.model_copy(update=changes)
        self._record.write(self.change)


def main() -> None:
    """The process that the panel starts: it has inherited the lock."""
    set_private_umask()
    action, package, by, lock = sys.argv[1:]
    os.set_inheritable(int(lock), False)
    assert action in ("install", "remove")

    def write(line: str) -> None:
        with suppress(OSError):  # a full disk
            print(line, flush=True)

    make_change(load_settings(), action, package, by, write)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
