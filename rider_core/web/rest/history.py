"""What happened in the last hours and days, for charts."""

from __future__ import annotations

import time

from pydantic import Field

from rider_core.api.messages import Message
from rider_core.api.roles import Role
from rider_core.database.minutes import MINUTE_S, averaged, read_minutes
from rider_core.runtime.services import Services
from rider_core.web.rest.blueprint import RestBlueprint

#: A chart is some hundred pixels wide.
MOST_POINTS = 360


class HistoryQuery(Message):
    hours: int = Field(1, ge=1, le=168, description="from so long ago until now")


class PointView(Message):
    """One minute, or the mean of several."""

    ts: int = Field(description="its beginning, seconds since the epoch")
    done: float = Field(description="jobs a minute that were done")
    bad: float = Field(description="jobs a minute that ended otherwise")
    waiting: float = Field(description="the most jobs that waited at a time")
    latency_s: float | None = Field(description="from the end of speech to its transcript, median; null: nobody spoke")
    cpu_pct: float = Field(description="of the panel's machine")
    memory_pct: float
    breakers_open: float | None = Field(description="providers whose circuit was open, the most; null: not known")
    trips: float | None = Field(description="how often circuits opened, a minute")
    cache_hits: float | None = Field(description="answers of language models from the cache, a minute")
    cache_misses: float | None = Field(description="answers that were not in the cache, a minute")
    gpu_pct: float | None = Field(description="share of time in which the GPUs were busy; null: there is no GPU")
    gpu_memory_pct: float | None


class HistoryView(Message):
    step_s: int = Field(description="from one point to the next; missing points: the panel did not run")
    points: tuple[PointView, ...] = Field(description="the oldest first")


def history_blueprint(services: Services) -> RestBlueprint:
    """The route."""
    history = RestBlueprint("history", "What happened in the last hours and days")

    @history.operation("GET", "", Role.READ, HistoryView)
    def show_history(query: HistoryQuery) -> HistoryView:
        """Figures of each minute, averaged where they are many"""
        step_s = max(1, query.hours * 60 // MOST_POINTS) * MINUTE_S
        minutes = read_minutes(services.settings.database_location, int(time.time()) - query.hours * 3_600)
        points = averaged(minutes, step_s)
        return HistoryView(step_s=step_s, points=tuple(PointView.model_validate(it._asdict()) for it in points))

    return history
