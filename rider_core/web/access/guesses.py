"""Slows down who guesses passwords: each account from each address, and no other."""

from __future__ import annotations

from rider_core.web.buckets import TokenBuckets

#: Wrong passwords in a burst, and the seconds until another may be sent: for one account from one address, and for all
#: accounts from one address. The right password is delayed as well: otherwise the delay would reveal it.
BURST, EVERY_S = 10, 2.0
ADDRESS_BURST = 50


class Guesses:
    """Counts wrong passwords. All methods may be called from several threads."""

    def __init__(self) -> None:
        self._pairs = TokenBuckets(BURST, EVERY_S)
        self._addresses = TokenBuckets(ADDRESS_BURST, EVERY_S)

    def wait_s(self, address: str, account: str) -> float:
        """Seconds until this address may try a password of this account; 0: now."""
        return max(self._pairs.wait_s(_pair(address, account)), self._addresses.wait_s(address))

    def count(self, address: str, account: str) -> None:
        """Count a wrong password."""
        self._pairs.take(_pair(address, account))
        self._addresses.take(address)


def _pair(address: str, account: str) -> str:
    return f"{address} {account[:64]}"
