"""A backup of what people have made here, to download. `rider backup restore` brings it back."""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack
from importlib import import_module

from rider_core.api.roles import Role
from rider_core.errors import DatabaseError
from rider_core.runtime.data_folder import make_data_folder
from rider_core.runtime.services import Services
from rider_core.runtime.support_bundle import archive_name
from rider_core.web.rest.blueprint import Download, RestBlueprint
from rider_core.web.rest.support import ZIP


def backups_blueprint(services: Services) -> RestBlueprint:
    """The route."""
    backups = RestBlueprint("backups", "Everything that people have saved here, in one file")

    @backups.operation("POST", "", Role.ADMIN, None, download=ZIP)
    def make_backup() -> Download:
        """Make a backup: settings, prompts, schedules, users, keys' hashes and histories

        It has secrets, such as passwords in the settings. It is sent, and not kept here.
        """
        # Imported here: a backup reads the tables with SQLAlchemy, 21 MB that a panel otherwise does not need.
        backup, restore = import_module("rider_core.runtime.backup"), import_module("rider_core.runtime.restore")
        schedules = restore.saved_schedules(services)
        folder = services.settings.data_dir
        make_data_folder(folder)
        with ExitStack() as until_sent:
            try:
                # Without a name: it is gone when it was sent, or when this process ends.
                content = until_sent.enter_context(tempfile.TemporaryFile(dir=folder))
                backup.write_backup(content, services.database, schedules)
                size_bytes = content.seek(0, os.SEEK_END)
            except OSError as error:
                raise DatabaseError(
                    f"a backup cannot be written into {folder}: {error.strerror}", remedy="free some space there"
                ) from None
            content.seek(0)
            until_sent.pop_all()  # the answer closes it
        return Download(archive_name("backup"), content, size_bytes)

    return backups
