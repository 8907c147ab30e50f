"""Which providers are switched off, and which come first in their domain: what people have chosen, in the database.

Running processes notice a change, one of saved settings, and one of model files, by a counter in Redis: one short
question a second, and the database is read only after a change.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress

import redis

from rider_core.database.saved import ProviderChoice, saved_choices
from rider_core.errors import DatabaseError
from rider_core.redis_functions import Key
from rider_core.timing import Stopwatch

log = logging.getLogger(__name__)

provider_changes_key = Key(
    "provider_changes_key",
    "rider:providers:changes",
    "string",
    "kept",
    "grows with each change of choices, settings or models",
)
#: Time in seconds between two looks at the counter: running workers act on a change within it, if no job runs.
LOOK_EVERY_S = 1.0
#: The database is read after this time even if the counter stands still: Redis may have lost it, or was away.
READ_EVERY_S = 60.0
_DEFAULT = ProviderChoice()


class ProviderChoices:
    """One process's copy. From any thread."""

    def __init__(self, database_url: str, connection: redis.Redis) -> None:
        self._database_url = database_url
        self._redis = connection
        self._lock = threading.Lock()
        self._looked: Stopwatch | None = None
        self._read: Stopwatch | None = None
        self._counter: bytes | None = None
        self._choices: Mapping[str, ProviderChoice] = {}
        self._problem = ""
        #: Grows when choices or settings may have changed.
        self.revision = 0

    def of(self, provider: str) -> ProviderChoice:
        """As it was chosen `LOOK_EVERY_S` ago at most."""
        self.look()
        return self._choices.get(provider, _DEFAULT)

    def look(self) -> int:
        """Look whether something was changed, where the last look is old enough. Returns `revision`."""
        with self._lock:
            if self._looked is None or self._looked.elapsed_s >= LOOK_EVERY_S:
                self._looked = Stopwatch.start()
                self._look()
            return self.revision

    def change(self, write: Callable[[], None]) -> None:
        """Write into the database, and tell all processes. Raises what `write` does.

        While Redis cannot be reached, running processes notice after `READ_EVERY_S`.
        """
        write()
        try:
            self._redis.incr(provider_changes_key())
        except redis.RedisError as error:
            log.info("running processes notice the change after %.0f s: %s", READ_EVERY_S, error)
        with self._lock:
            self._looked = self._read = None

    def _look(self) -> None:
        counter = self._counter
        with suppress(redis.RedisError):  # whatever needs Redis reports that it is away
            answer = self._redis.get(provider_changes_key())
            counter = answer if isinstance(answer, bytes) else None
        if self._read is not None and counter == self._counter and self._read.elapsed_s < READ_EVERY_S:
            return
        try:
            choices = saved_choices(self._database_url)
        except DatabaseError as error:
            if str(error) != self._problem:  # each second
                log.warning("what was chosen of the providers cannot be read: %s", error)
            self._problem = str(error)
            return
        self._problem = ""
        is_first, self._read = self._read is None, Stopwatch.start()
        if counter != self._counter or choices != self._choices or is_first:
            self.revision += 1
        self._counter, self._choices = counter, choices
