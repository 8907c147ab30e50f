"""The users and tokens of the database, as the panel last read them."""

from __future__ import annotations

import logging
import threading
import time

from rider_core.database.accounts import ApiToken, User, read_tokens, read_users
from rider_core.errors import DatabaseError

log = logging.getLogger(__name__)

#: Time for which what was read counts, in seconds: who is removed is out after it.
REFRESH_S = 2.0
#: The same while the database cannot be read: each try may take five seconds.
RETRY_S = 15.0


class AccountCache:
    """All methods may be called from several threads.

    While the database cannot be read, what was read last counts: nobody gets in who could not before.
    """

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._users: dict[str, User] | None = None
        self._tokens: dict[str, ApiToken] = {}
        self._read_at = float("-inf")
        self._failing = False
        self._lock = threading.Lock()

    def users(self) -> dict[str, User]:
        """By name. Raises `DatabaseError` where they were never read."""
        self._refresh()
        assert self._users is not None
        return self._users

    def tokens(self) -> dict[str, ApiToken]:
        """By id. Raises `DatabaseError` where they were never read."""
        self._refresh()
        return self._tokens

    def forget(self) -> None:
        """Read again at the next use: something was changed."""
        self._read_at = float("-inf")

    def _refresh(self) -> None:
        # Those that were read last count while one thread waits for the database.
        if not self._lock.acquire(blocking=self._users is None):
            return
        try:
            if time.monotonic() - self._read_at < (RETRY_S if self._failing else REFRESH_S):
                return
            try:
                users, tokens = read_users(self._url), read_tokens(self._url)
            except DatabaseError as error:
                if self._users is None:
                    raise
                if not self._failing:
                    log.warning("users and tokens cannot be read, those read before count: %s", error)
                self._failing = True
            else:
                self._failing = False
                self._users = {user.name: user for user in users}
                self._tokens = {token.id: token for token in tokens}
            self._read_at = time.monotonic()
        finally:
            self._lock.release()
