"""The dashboard "Rider-PC providers and latency": where does the time go?"""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard
from overview import JOBS
from panels import BAD, HALF, HERE, NEUTRAL, OK, QUARTER, THIRD, WARN, WHOLE, bars, lines, number

#: Steps of an utterance, in their order.
STEPS = ("heard", "queued", "started", "done", "delivered", "answered")
CALLS = f'{HERE}, task=~"$task", provider=~"$provider"'
PROVIDERS = f'{HERE}, provider=~"$provider"'


def add_latency(board: dashboard.Dashboard) -> None:
    """Add the rows and panels."""
    _utterances(board.with_row(dashboard.Row("An utterance, from the end of speech")))
    _frames(board.with_row(dashboard.Row("Frames of the camera")))
    _engines(board.with_row(dashboard.Row("Engines")))
    _jobs(board.with_row(dashboard.Row("Jobs")))


def _utterances(board: dashboard.Dashboard) -> None:
    def quantile(share: float, step: str, window: str) -> str:
        rate = f'rate(rider_utterance_seconds_bucket{{{HERE}, step="{step}"}}[{window}])'
        return f"histogram_quantile({share}, sum by (le) ({rate}))"

    board.with_panel(
        bars(
            "Waterfall: half of the utterances are faster",
            "Seconds after the person's last sound at which its end was certain (heard), the job was accepted (queued)"
            " and started by a worker, the words were known (done) and with the robot (delivered), and the first sound"
            " of a spoken answer was sent (answered).",
            {step: quantile(0.5, step, "$__range") for step in STEPS},
            "s",
            width=HALF,
            steps=[(None, OK), (1.5, WARN), (3, BAD)],
        )
    )
    board.with_panel(
        lines(
            "Each step over time: 95 of 100 are faster",
            "Seconds after the person's last sound.",
            {step: quantile(0.95, step, "$__rate_interval") for step in STEPS},
            "s",
            width=HALF,
        )
    )
    board.with_panel(
        lines(
            "Utterances",
            "What became of them, each minute.",
            {"{{outcome}}": f"sum by (outcome) (rate(rider_utterances_total{{{HERE}}}[$__rate_interval])) * 60"},
            "short",
            width=HALF,
            stacked=True,
        )
    )
    board.with_panel(
        lines(
            "Spoken answers",
            "What became of them, each minute.",
            {"{{outcome}}": f"sum by (outcome) (rate(rider_answers_total{{{HERE}}}[$__rate_interval])) * 60"},
            "short",
            width=HALF,
            stacked=True,
        )
    )


def _frames(board: dashboard.Dashboard) -> None:
    def age(share: float) -> str:
        rate = f"rate(rider_frame_age_seconds_bucket{{{HERE}}}[$__rate_interval])"
        return f"histogram_quantile({share}, sum by (le) ({rate}))"

    board.with_panel(
        lines(
            "Age of a frame when its result leaves",
            "The robot drives 3 cm in 0.1 s. In 50, 95 and 99 of 100 frames it is less.",
            {"half": age(0.5), "95 of 100": age(0.95), "99 of 100": age(0.99)},
            "s",
            width=HALF,
            steps=[(None, OK), (0.5, BAD)],
            runbook="RiderFramesLate",
        )
    )
    board.with_panel(
        lines(
            "Frames",
            "What became of them, for each second. Seen: analysed, and the robot knows.",
            {"{{outcome}}": f"sum by (outcome) (rate(rider_frames_total{{{HERE}}}[$__rate_interval]))"},
            "ops",
            width=QUARTER,
            stacked=True,
        )
    )
    board.with_panel(
        lines(
            "Age of frames, five minutes together",
            "The figure of the alert.",
            {"{{instance}}": f"instance:rider_frame_age_seconds:p95_5m{{{HERE}}}"},
            "s",
            width=QUARTER,
            steps=[(None, OK), (0.5, BAD)],
            runbook="RiderFramesLate",
        )
    )


def _engines(board: dashboard.Dashboard) -> None:
    seconds = f"sum by (task, provider) (rate(rider_provider_call_seconds_sum{{{CALLS}}}[$__rate_interval]))"
    calls = f"sum by (task, provider) (rate(rider_provider_call_seconds_count{{{CALLS}}}[$__rate_interval]))"
    text = f'{HERE}, task="text.generate", provider=~"$provider"'
    board.with_panel(
        lines(
            "Call of an engine: 95 of 100 are faster",
            "One call for each job, or for each group of jobs that ran together.",
            {
                "{{task}} by {{provider}}": "histogram_quantile(0.95, sum by (task, provider, le)"
                f" (rate(rider_provider_call_seconds_bucket{{{CALLS}}}[$__rate_interval])))"
            },
            "s",
        )
    )
    board.with_panel(
        lines(
            "Call of an engine: mean",
            "Seconds for each call.",
            {"{{task}} by {{provider}}": f"{seconds} / ({calls} > 0)"},
            "s",
        )
    )
    board.with_panel(
        lines(
            "Engines that work",
            "1: the engine keeps one worker busy all the time.",
            {"{{task}} by {{provider}}": seconds},
            "short",
            stacked=True,
        )
    )
    board.with_panel(
        lines(
            "Tokens for each second of work",
            "Of language models. Answers from the cache do not count.",
            {
                "{{kind}} by {{provider}}": f"sum by (provider, kind) (rate(rider_tokens_total{{{PROVIDERS}}}"
                "[$__rate_interval])) / on (provider) group_left () (sum by (provider)"
                f" (rate(rider_provider_call_seconds_sum{{{text}}}[$__rate_interval])) > 0)"
            },
            "short",
        )
    )
    board.with_panel(
        lines(
            "Seconds of sound for each second of work",
            "Above 1 an engine is faster than speech.",
            {
                "{{task}} by {{provider}}": "sum by (task, provider) (rate(rider_audio_seconds_total"
                f"{{{CALLS}}}[$__rate_interval])) / ({seconds} > 0)"
            },
            "short",
        )
    )
    board.with_panel(
        lines(
            "Model files of open engines",
            "Mapped files are shared by the workers of a machine, and count for each of them here.",
            {"{{provider}}": f"sum by (provider) (rider_loaded_model_bytes{{{PROVIDERS}}})"},
            "bytes",
        )
    )
    board.with_panel(
        lines(
            "Engines that were opened and closed",
            "In the last 15 minutes.",
            {
                "{{provider}} {{outcome}}": "sum by (provider, outcome)"
                f" (increase(rider_engine_openings_total{{{PROVIDERS}}}[15m]))",
                "{{provider}} closed": f"sum by (provider) (increase(rider_engine_closings_total{{{PROVIDERS}}}[15m]))",
            },
            "short",
            width=HALF,
        )
    )
    board.with_panel(
        lines(
            "Time to open an engine",
            "With its models; the last time.",
            {"{{provider}}": f"max by (provider) (rider_engine_opening_seconds{{{PROVIDERS}}})"},
            "s",
            width=HALF,
        )
    )


def _jobs(board: dashboard.Dashboard) -> None:
    def quantile(name: str) -> dict[str, str]:
        rate = f"rate({name}_bucket{{{JOBS}}}[$__rate_interval])"
        return {"{{task}}": f"histogram_quantile(0.95, sum by (task, le) ({rate}))"}

    board.with_panel(
        lines("Waited for a worker", "95 of 100 jobs waited less.", quantile("rider_job_waited_seconds"), "s")
    )
    board.with_panel(lines("Ran", "95 of 100 attempts took less.", quantile("rider_job_ran_seconds"), "s"))
    board.with_panel(
        lines("From submission to result", "95 of 100 jobs took less.", quantile("rider_job_took_seconds"), "s")
    )
    board.with_panel(
        lines(
            "Requests to the panel: 95 of 100 are faster",
            "By the pattern of their address.",
            {
                "{{url_rule}}": "histogram_quantile(0.95, sum by (url_rule, le)"
                f" (rate(rider_web_http_request_duration_seconds_bucket{{{HERE}}}[$__rate_interval])))"
            },
            "s",
            width=WHOLE - THIRD,
        )
    )
    board.with_panel(
        number(
            "Jobs in the last hour",
            "That ended with a result.",
            {"done": f'sum(increase(rider_job_events_total{{{JOBS}, event="done"}}[1h]))'},
            "short",
            width=THIRD,
            steps=[(None, NEUTRAL)],
        )
    )
