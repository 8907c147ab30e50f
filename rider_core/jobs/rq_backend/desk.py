"""Working on RQ's lists: jobs are popped and leased in one step, and a bell rings when something was submitted."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

import redis

from rider_core.jobs.ledger import keys
from rider_core.jobs.ledger.desk import Claim, ClaimDesk, Ended
from rider_core.jobs.ledger.functions import together
from rider_core.jobs.ledger.line import Wire


class RQDesk(ClaimDesk):
    """Claims out of RQ's lists."""

    def __init__(self, connection: redis.Redis, worker: str, queues: Sequence[str]) -> None:
        super().__init__(connection, worker, queues, broker=False)
        self._bells = [keys.DOORBELL.format(queue=queue) for queue in queues]
        self._ear: Wire | None = None
        self._next_due: float | None = None

    def take(self, limits: Mapping[str, int] | None = None) -> list[Claim]:
        limits = limits or {}
        arguments = self._take_arguments(limits)
        return self._claims(self._functions.take(arguments), arguments, limits)

    def take_more(self, lane: str, task: str, number: int) -> list[Claim]:
        limits = {task: number}
        # What it works on is shown already.
        arguments = [*self._attempt_arguments()[:-1], "busy", 0, json.dumps(limits), task, lane]
        answer = self._functions.take(arguments)
        claims = self._claims(answer, arguments, limits) if isinstance(answer, list) else []
        self.took_all = False  # the other lanes were not looked into
        return claims

    def commit(self, ended: Sequence[Ended]) -> list[bool]:
        return [bool(kept) for kept in self._functions.finish(self._finish_arguments(ended))]

    def exchange(self, ended: Sequence[Ended], limits: Mapping[str, int] | None) -> tuple[list[bool], list[Claim]]:
        if limits is None:
            return self.commit(ended), []
        arguments = self._take_arguments(limits)
        finished, taken = together(
            [(self._functions.finish, self._finish_arguments(ended)), (self._functions.take, arguments)]
        )
        return [bool(kept) for kept in finished], self._claims(taken, arguments, limits)

    def wait_for_more(self, timeout_s: float) -> bool:
        """Whether something was submitted or has become due since the last `take`, within `timeout_s` seconds.

        The worker listens to the bells as long as it lives: what rings between `take` and here is heard here. Only
        what rang before it listened for the first time, or while the connection was lost, may not have been heard, so
        then it returns at once.
        """
        if self._ear is None or self._ear.closed:
            self._ear = self._line.ear(self._bells)
            return True
        if self._next_due is not None:
            timeout_s = min(timeout_s, self._next_due - time.time())
        return self._ear.hear(timeout_s) is not None

    def close(self) -> None:
        if self._ear is not None:
            self._ear.close()
        super().close()

    def _take_arguments(self, limits: Mapping[str, int]) -> list[Any]:
        return [*self._attempt_arguments(), int(self._fair_turn()), json.dumps(dict(limits)), "", *self.lanes]

    def _claims(self, answer: Any, arguments: list[Any], limits: Mapping[str, int]) -> list[Claim]:
        """The claims in the function's answer to these arguments."""
        if not isinstance(answer, list):
            self._next_due = float(answer) if answer else None
            return []
        self._turn += 1
        others_wait, *jobs = answer
        self.took_all = not others_wait
        _, execution, now, *_ = arguments
        claims = [
            Claim(job_id.decode(), lane.decode(), task.decode(), data, attempt, execution, about.decode(), now)
            for job_id, lane, task, data, attempt, about in jobs
        ]
        self._now_works(claims[0].task, limits)
        return claims
