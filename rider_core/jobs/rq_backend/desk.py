"""Working on RQ's lists: jobs are popped and leased in one script, and a stream rings when something was submitted."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

import redis

from rider_core.jobs.ledger import keys
from rider_core.jobs.ledger.desk import Claim, ClaimDesk, Ended
from rider_core.jobs.ledger.scripts import Script, together


class RQDesk(ClaimDesk):
    """Claims out of RQ's lists."""

    def __init__(self, connection: redis.Redis, worker: str, queues: Sequence[str]) -> None:
        super().__init__(connection, worker, queues, broker=False)
        self._bells: dict[Any, Any] = {keys.DOORBELL.format(queue=queue): b"0" for queue in queues}
        self._next_due: float | None = None

    def take(self, limits: Mapping[str, int] | None = None) -> list[Claim]:
        arguments = self._take_arguments(limits or {})
        return self._claims(self._scripts.take(args=arguments), arguments)

    def take_more(self, lane: str, task: str, number: int) -> list[Claim]:
        arguments = [*self._attempt_arguments(), 0, json.dumps({task: number}), task, lane]
        answer = self._scripts.take(args=arguments)
        return self._claims(answer, arguments) if isinstance(answer, list) else []

    def commit(self, ended: Sequence[Ended]) -> list[bool]:
        return [bool(kept) for kept in self._scripts.finish(args=self._finish_arguments(ended, rest=False))]

    def exchange(self, ended: Sequence[Ended], limits: Mapping[str, int] | None) -> tuple[list[bool], list[Claim]]:
        arguments = self._take_arguments(limits) if limits is not None else None
        calls: list[tuple[Script, list[Any]]] = [(self._scripts.finish, self._finish_arguments(ended, rest=True))]
        if arguments is not None:
            calls.append((self._scripts.take, arguments))
        answers = together(calls)
        return [bool(kept) for kept in answers[0]], self._claims(answers[1], arguments) if arguments else []

    def wait_for_work(self, timeout_s: float) -> None:
        """Return when something was submitted or has become due since the last `take`, or after `timeout_s` seconds.

        The doorbells are streams that are read, not popped: every waiting worker hears them, none is lost between
        `take` and here.
        """
        if self._next_due is not None:
            timeout_s = min(timeout_s, self._next_due - time.time())
        # XREAD takes 0 for "without end", so 1 ms is the shortest wait.
        block_ms = max(1, math.ceil(timeout_s * 1000))
        rung = self._line.call("XREAD", "BLOCK", block_ms, "STREAMS", *self._bells, *self._bells.values())
        for bell, entries in rung or ():
            self._bells[bell.decode()] = entries[-1][0]

    def _take_arguments(self, limits: Mapping[str, int]) -> list[Any]:
        return [*self._attempt_arguments(), int(self._fair_turn()), json.dumps(dict(limits)), "", *self.lanes]

    def _claims(self, answer: Any, arguments: list[Any]) -> list[Claim]:
        """The claims in the script's answer to these arguments."""
        if not isinstance(answer, list):
            self._next_due = float(answer) if answer else None
            return []
        self._turn += 1
        _, execution, now, *_ = arguments
        return [
            Claim(job_id.decode(), lane.decode(), task.decode(), data, attempt, execution, about.decode(), now)
            for job_id, lane, task, data, attempt, about in answer
        ]
