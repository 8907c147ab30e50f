"""Tasks: what a job can be, and the schema of its payload."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import Field

from rider_core.api.messages import Message
from rider_core.api.roles import Role
from rider_core.api.tasks import TASKS, Task
from rider_core.web.rest.blueprint import RestBlueprint


class TaskView(Message):
    """A kind of job."""

    name: str = Field(description="such as `voice.transcribe`")
    queue: str = Field(description="where its jobs wait")
    domain: str = Field(description="of the providers that can run it")
    timeout_s: float = Field(description="limit of one attempt, in seconds")
    batches: bool = Field(description="whether batches of it are allowed")
    payload: dict[str, Any] = Field(description="JSON Schema of a payload, with descriptions and units")


class TasksView(Message):
    tasks: tuple[TaskView, ...]


def tasks_blueprint() -> RestBlueprint:
    """The route."""
    tasks = RestBlueprint("tasks", "What a job can be")

    @tasks.operation("GET", "", Role.READ, TasksView)
    def list_tasks() -> TasksView:
        """Every task"""
        return TasksView(tasks=tuple(map(_view, TASKS.values())))

    return tasks


@cache  # pydantic makes the schemas anew each time, in 20 ms
def _view(task: Task) -> TaskView:
    return TaskView(
        name=task.name,
        queue=task.queue,
        domain=task.provider.domain,
        timeout_s=task.timeout_s,
        batches=task.batches,
        payload=task.request.model_json_schema(),
    )
