"""The support bundle: what is in it, and the file itself."""

from __future__ import annotations

import io
import threading

from pydantic import Field

from rider_core.api.messages import Message
from rider_core.api.roles import Role
from rider_core.runtime.services import Services
from rider_core.runtime.support_bundle import BundleFile, archive_name, support_archive, support_files
from rider_core.timing import Stopwatch
from rider_core.web.rest.blueprint import Download, RestBlueprint

ZIP = "application/zip"
#: A bundle that is younger is shown again, in seconds.
SHOWN_AGAIN_S = 15.0
#: The download gives the bundle that was shown, if it is younger: the person has read that one. In seconds.
SHOWN_FOR_S = 600.0


class SupportView(Message):
    files: tuple[BundleFile, ...] = Field(description="all that a bundle would have that is made now")


class _LatestBundle:
    """The files that were made last: the download gives those that were shown, and `rider doctor` rarely runs."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._lock = threading.Lock()
        self._made: Stopwatch | None = None
        self._files: tuple[BundleFile, ...] = ()

    def files(self, age_s: float) -> tuple[BundleFile, ...]:
        """The files, made anew where they are older than `age_s`."""
        with self._lock:
            if self._made is None or self._made.elapsed_s > age_s:
                self._files = support_files(self._services)
                self._made = Stopwatch.start()
            return self._files


def support_blueprint(services: Services) -> RestBlueprint:
    """The routes."""
    latest = _LatestBundle(services)
    support = RestBlueprint("support", "What those who help need to know of this installation")

    @support.operation("GET", "", Role.ADMIN, SupportView)
    def show_support() -> SupportView:
        """What the support bundle has, without secrets and without what people said

        It runs `rider doctor`, which takes some seconds. A bundle of the last seconds is not made again.
        """
        return SupportView(files=latest.files(SHOWN_AGAIN_S))

    @support.operation("GET", "/bundle", Role.ADMIN, None, download=ZIP)
    def download_support() -> Download:
        """The support bundle that was shown last, as a ZIP archive; after ten minutes a new one"""
        content = support_archive(latest.files(SHOWN_FOR_S))
        return Download(archive_name("support"), io.BytesIO(content), len(content))

    return support
