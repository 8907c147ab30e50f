"""Slows down who guesses passwords: each account from each address, and an address that tries many accounts."""

from __future__ import annotations

from rider_core.runtime.token_buckets import TokenBuckets

#: Wrong passwords in a burst, and the seconds until another may be sent: for one account from one address, and for all
#: accounts from one address. The right password is delayed as well: otherwise the delay would reveal it.
BURST, EVERY_S = 10, 2.0
ADDRESS_BURST = 50


class TooManyGuesses(Exception):
    """Too many wrong passwords came before.

    Attributes:
        wait_s: When to try again, in seconds.
    """

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"wait {wait_s:.1f} s")
        self.wait_s = wait_s


class Guesses:
    """Counts wrong passwords. All methods may be called from several threads."""

    def __init__(self) -> None:
        self._pairs = TokenBuckets(BURST, EVERY_S)
        self._addresses = TokenBuckets(ADDRESS_BURST, EVERY_S)

    def attempt(self, address: str, account: str) -> PasswordAttempt:
        """Begin to check a password of this account. Raises `TooManyGuesses`."""
        pair = f"{address} {account[:64]}"
        wait_s = max(self._pairs.wait_s(pair), self._addresses.wait_s(address))
        if wait_s:
            raise TooManyGuesses(wait_s)
        return PasswordAttempt(((self._pairs, pair), (self._addresses, address)))


class PasswordAttempt:
    """One password that is checked. What takes long is counted before: many at once must not pass together."""

    def __init__(self, buckets: tuple[tuple[TokenBuckets, str], ...]) -> None:
        self._buckets = buckets
        self._counted: list[tuple[TokenBuckets, str]] = []

    def count(self) -> None:
        """Count it as wrong, once, until `forgive`. Raises `TooManyGuesses`."""
        for bucket, client in self._buckets if not self._counted else ():
            wait_s = bucket.take(client)
            if wait_s:
                self.forgive()
                raise TooManyGuesses(wait_s)
            self._counted.append((bucket, client))

    def forgive(self) -> None:
        """It was right."""
        for bucket, client in self._counted:
            bucket.give_back(client)
        self._counted.clear()
