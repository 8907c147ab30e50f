"""The support bundle: what is in it, and the file itself."""

from __future__ import annotations

import io
import threading

from pydantic import Field

from rider_core.api.messages import Message
from rider_core.api.roles import Role
from rider_core.runtime.services import Services
from rider_core.runtime.support_bundle import BundleFile, archive_name, support_archive, support_files
from rider_core.web.rest.blueprint import Download, RestBlueprint

ZIP = "application/zip"


class SupportView(Message):
    files: tuple[BundleFile, ...] = Field(description="all that a bundle would have that is made now")


def support_blueprint(services: Services) -> RestBlueprint:
    """The routes."""
    one_at_a_time = threading.Lock()  # each runs `rider doctor`

    def files() -> tuple[BundleFile, ...]:
        with one_at_a_time:
            return support_files(services)

    support = RestBlueprint("support", "What those who help need to know of this installation")

    @support.operation("GET", "", Role.ADMIN, SupportView)
    def show_support() -> SupportView:
        """What the support bundle has, without secrets and without what people said

        It runs `rider doctor`, which takes some seconds.
        """
        return SupportView(files=files())

    @support.operation("GET", "/bundle", Role.ADMIN, None, download=ZIP)
    def download_support() -> Download:
        """The support bundle, as a ZIP archive"""
        content = support_archive(files())
        return Download(archive_name("support"), io.BytesIO(content), len(content))

    return support
