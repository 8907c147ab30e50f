"""The dashboard "Rider-PC overview": is everything all right, and if not, what is wrong?"""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard
from panels import BAD, HALF, HERE, OK, QUARTER, UP, WARN, WHOLE, lines, states
from robot import add_robot

#: What a panel shows of: the variables at the top.
JOBS = f'{HERE}, queue=~"$queue", task=~"$task"'
QUEUES = f'{HERE}, queue=~"$queue"'
PROVIDERS = f'{HERE}, provider=~"$provider"'


def add_overview(board: dashboard.Dashboard) -> None:
    """Add the rows and panels."""
    _processing(board.with_row(dashboard.Row("Processing rate")))
    _queues(board.with_row(dashboard.Row("Queue size over time")))
    _breakers(board.with_row(dashboard.Row("Circuit breakers")))
    _cache(board.with_row(dashboard.Row("Cache efficiency")))
    _resources(board.with_row(dashboard.Row("Resources")))
    add_robot(board.with_row(dashboard.Row("Robot link")))


def _processing(board: dashboard.Dashboard) -> None:
    board.with_panel(
        lines(
            "Jobs done",
            "Jobs that ended with a result, for each second.",
            {"{{task}}": f'sum by (task) (rate(rider_job_events_total{{{JOBS}, event="done"}}[$__rate_interval]))'},
            "ops",
            width=HALF,
            stacked=True,
        )
    )
    board.with_panel(
        lines(
            "Jobs that ended without a result",
            "Failed for good, expired, replaced by a newer one, or cancelled; and attempts that were repeated.",
            {
                "{{event}}": f"sum by (event) (rate(rider_job_events_total{{{JOBS},"
                ' event=~"failed|expired|replaced|cancelled|retried"}[$__rate_interval]))'
            },
            "ops",
            width=QUARTER,
            runbook="RiderDeadLettersGrowing",
        )
    )
    board.with_panel(
        lines(
            "Time of a job, from its submission to its result",
            "95 of 100 jobs take less.",
            {"{{task}}": f"instance_queue_task:rider_job_took_seconds:p95_5m{{{JOBS}}}"},
            "s",
            width=QUARTER,
            steps=[(None, OK), (10, BAD)],
            runbook="RiderProcessingTooSlow",
        )
    )


def _queues(board: dashboard.Dashboard) -> None:
    board.with_panel(
        lines(
            "Waiting jobs",
            "Jobs that may start, all priorities together.",
            {"{{queue}}": f'sum by (queue) (rider_jobs{{{QUEUES}, state="waiting"}})'},
            "short",
            width=HALF,
            steps=[(None, OK), (100, BAD)],
            runbook="RiderQueueTooLong",
        )
    )
    board.with_panel(
        lines(
            "Age of the oldest waiting job",
            "A queue that is short and old has no worker that can do its jobs.",
            {"{{queue}}": f"max by (queue) (rider_jobs_oldest_seconds{{{QUEUES}}})"},
            "s",
            width=QUARTER,
        )
    )
    board.with_panel(
        lines(
            "Workers, and running jobs",
            "Live workers that serve a queue, and the jobs that run now.",
            {
                "workers of {{queue}}": f"sum by (queue) (rider_workers{{{QUEUES}}})",
                "running in {{queue}}": f'sum by (queue) (rider_jobs{{{QUEUES}, state="running"}})',
            },
            "short",
            width=QUARTER,
            runbook="RiderWorkerGone",
        )
    )
    board.with_panel(
        lines(
            "Dead letters, and jobs for later",
            "Jobs that failed for good and are kept for a week, and those that wait for their time or a retry.",
            {
                "dead letters of {{queue}}": f'sum by (queue) (rider_jobs{{{QUEUES}, state="failed"}})',
                "scheduled in {{queue}}": f'sum by (queue) (rider_jobs{{{QUEUES}, state="scheduled"}})',
            },
            "short",
            width=HALF,
            runbook="RiderDeadLettersGrowing",
        )
    )
    board.with_panel(
        lines(
            "Schedules",
            "Due times that passed, each minute: on time, late, or missed; and schedules that are due now.",
            {
                "{{outcome}}": f"sum by (outcome) (rate(rider_schedule_runs_total{{{HERE}}}[$__rate_interval])) * 60",
                "due now": f"sum(rider_schedules_due{{{HERE}}})",
            },
            "short",
            width=QUARTER,
            runbook="RiderSchedulerSilent",
        )
    )
    board.with_panel(
        lines(
            "Events",
            "Entries in the stream of events, and events that a listener lost, each second.",
            {
                "in the stream": f"sum(rider_event_stream_length{{{HERE}}})",
                "lost by {{listener}}": "sum by (listener)"
                f" (rate(rider_events_dropped_total{{{HERE}}}[$__rate_interval]))",
            },
            "short",
            width=QUARTER,
        )
    )


def _breakers(board: dashboard.Dashboard) -> None:
    board.with_panel(
        states(
            "State of the circuit breakers",
            "An open breaker: the provider failed too often and is not called for a while.",
            {"{{provider}}": f"max by (provider) (rider_breaker_state{{{PROVIDERS}}})"},
            {0: ("closed", OK), 1: ("half open", WARN), 2: ("open", BAD)},
            width=HALF,
            runbook="RiderBreakerOpen",
        )
    )
    board.with_panel(
        lines(
            "Failures of providers",
            "Jobs that a provider could not do, for each second, and breakers that opened.",
            {
                "{{provider}}": f"sum by (provider) (rate(rider_provider_failures_total{{{PROVIDERS}}}"
                "[$__rate_interval]))",
                "{{provider}} opened": f"sum by (provider) (increase(rider_breaker_trips_total{{{PROVIDERS}}}"
                "[$__rate_interval]))",
            },
            "short",
            width=HALF,
            runbook="RiderBreakerOpen",
        )
    )


def _cache(board: dashboard.Dashboard) -> None:
    hits = f'sum(rate(rider_answer_cache_total{{{HERE}, outcome="hit"}}[$__rate_interval]))'
    asked = f'sum(rate(rider_answer_cache_total{{{HERE}, outcome=~"hit|miss"}}[$__rate_interval]))'
    board.with_panel(
        lines(
            "Answers from the cache",
            "Share of the requests to the cache of answers that found one.",
            {"hits": f"{hits} / ({asked} > 0) or {asked} * 0"},
            "percentunit",
            most=1,
            runbook="RiderCacheUseless",
        )
    )
    board.with_panel(
        lines(
            "Use of the cache",
            "What happened, for each second.",
            {"{{outcome}}": f"sum by (outcome) (rate(rider_answer_cache_total{{{HERE}}}[$__rate_interval]))"},
            "ops",
        )
    )
    board.with_panel(
        lines(
            "Size of the cache",
            "Bytes of all answers, and their limit.",
            {
                "answers": f"max(rider_answer_cache_bytes{{{HERE}}})",
                "limit": f"max(rider_answer_cache_limit_bytes{{{HERE}}})",
            },
            "bytes",
        )
    )


def _resources(board: dashboard.Dashboard) -> None:
    board.with_panel(
        states(
            "Redis and the processes",
            "Whether Redis answers, and each process lives.",
            {
                "Redis answers": f"min(rider_redis_up{{{HERE}}})",
                "{{process}}": f"min by (process) (rider_process_up{{{HERE}}})",
            },
            UP,
            width=WHOLE,
            runbook="RiderRedisAway",
        )
    )
    board.with_panel(
        lines(
            "Processor time",
            "1: a process keeps one core busy.",
            {"{{process}}": f"sum by (process) (rate(rider_process_cpu_seconds_total{{{HERE}}}[$__rate_interval]))"},
            "short",
            stacked=True,
        )
    )
    board.with_panel(
        lines(
            "Memory",
            "Resident memory without mapped files.",
            {"{{process}}": f"sum by (process) (rider_process_own_memory_bytes{{{HERE}}})"},
            "bytes",
            stacked=True,
        )
    )
    board.with_panel(
        lines(
            "Memory in use",
            "Of what a process may have, or the machine has.",
            {"{{process}}": f"max by (process) (instance_process:rider_memory_used:ratio{{{HERE}}})"},
            "percentunit",
            steps=[(None, OK), (0.9, BAD)],
            most=1,
            runbook="RiderMemoryTooHigh",
        )
    )
    board.with_panel(
        lines(
            "Open files and threads",
            "They stay about the same while nothing leaks.",
            {
                "files of {{process}}": f"sum by (process) (rider_process_open_fds{{{HERE}}})",
                "threads of {{process}}": f"sum by (process) (rider_process_threads{{{HERE}}})",
            },
            "short",
        )
    )
    board.with_panel(
        lines(
            "Restarts",
            "Starts of a process after its first one, in the last 15 minutes.",
            {"{{process}}": f"sum by (process) (increase(rider_process_restarts_total{{{HERE}}}[15m]))"},
            "short",
            steps=[(None, OK), (3, BAD)],
            runbook="RiderRestartsInARow",
        )
    )
    board.with_panel(
        lines(
            "Disk, database and Redis",
            "Free space on the data folder's disk, and what we keep.",
            {
                "free": f"min(rider_disk_free_bytes{{{HERE}}})",
                "database": f"sum(rider_database_bytes{{{HERE}}})",
                "Redis": f"sum(rider_redis_memory_bytes{{{HERE}}})",
            },
            "bytes",
            runbook="RiderDiskNearlyFull",
        )
    )
    board.with_panel(
        lines(
            "Graphics processors",
            "Share of time in which one is busy, and of its memory that is in use. Empty without one.",
            {
                "GPU {{gpu}} busy": f"max by (gpu) (rider_gpu_utilization_ratio{{{HERE}}})",
                "GPU {{gpu}} memory": f"max by (gpu) (rider_gpu_memory_used_bytes{{{HERE}}}"
                f" / rider_gpu_memory_bytes{{{HERE}}})",
            },
            "percentunit",
            width=HALF,
            most=1,
        )
    )
    board.with_panel(
        lines(
            "Refused input",
            "What the robot, people and programs sent and we did not take, for each second.",
            {"{{where}}: {{code}}": f"sum by (where, code) (rate(rider_refused_total{{{HERE}}}[$__rate_interval]))"},
            "ops",
            width=HALF,
        )
    )
