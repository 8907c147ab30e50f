"""The row "Robot link" of the overview: is the robot reached, and what does the PC do for it?"""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard
from panels import BAD, HERE, NEUTRAL, OK, THIRD, UP, WARN, lines, number, states


def add_robot(board: dashboard.Dashboard) -> None:
    """Add the panels of the row."""
    board.with_panel(
        states(
            "Connection to the robot",
            "Its message bus in both directions, and its HTTP interface.",
            {"{{channel}}": f"max by (channel) (rider_link_up{{{HERE}}})"},
            UP,
            width=THIRD,
            runbook="RiderRobotLost",
        )
    )
    board.with_panel(
        states(
            "Domains that the PC serves",
            "The robot serves the others itself.",
            {"{{domain}}": f'max by (domain) (rider_domain_owner{{{HERE}, owner="pc"}})'},
            {1: ("PC", NEUTRAL), 0: ("robot", WARN)},
            width=THIRD,
            runbook="RiderRobotLost",
        )
    )
    board.with_panel(
        lines(
            "Domains that went back to the robot",
            "By the reason, in the last 15 minutes.",
            {"{{domain}}: {{reason}}": f"sum by (domain, reason) (increase(rider_failovers_total{{{HERE}}}[15m]))"},
            "short",
        )
    )
    board.with_panel(
        lines(
            "Round trip to the robot",
            "95 of 100 HTTP calls take less.",
            {
                "{{call}}": "histogram_quantile(0.95, sum by (call, le)"
                f" (rate(rider_robot_call_seconds_bucket{{{HERE}}}[$__rate_interval])))"
            },
            "s",
        )
    )
    board.with_panel(
        lines(
            "Messages",
            "Taken from the robot's bus, and sent to it, for each second.",
            {
                "from {{topic}}": f"sum by (topic) (rate(rider_link_received_total{{{HERE}}}[$__rate_interval]))",
                "to {{topic}}": f"sum by (topic) (rate(rider_link_sent_total{{{HERE}}}[$__rate_interval]))",
            },
            "ops",
        )
    )
    board.with_panel(
        lines(
            "Dropped, and calls that failed",
            "For each second. The robot's own voice is dropped on purpose.",
            {
                "{{what}}": f"sum by (what) (rate(rider_link_dropped_total{{{HERE}}}[$__rate_interval]))",
                "{{call}} failed": f'sum by (call) (rate(rider_robot_calls_total{{{HERE}, outcome="failed"}}'
                "[$__rate_interval]))",
            },
            "ops",
        )
    )
    board.with_panel(
        number(
            "Last heartbeat",
            "Since the robot answered one. They are sent every 5 seconds.",
            {"age": f"time() - max(rider_link_heartbeat_timestamp_seconds{{{HERE}}})"},
            "s",
            steps=[(None, OK), (15, BAD)],
            runbook="RiderRobotLost",
        )
    )
    board.with_panel(
        number(
            "Battery",
            "Charge of the robot's battery.",
            {"charge": f"min(rider_robot_battery_ratio{{{HERE}}})"},
            "percentunit",
            steps=[(None, BAD), (0.15, WARN), (0.3, OK)],
        )
    )
    board.with_panel(
        number(
            "Clock of the robot",
            "Its time minus ours, by its last frame.",
            {"offset": f"max(rider_robot_clock_offset_seconds{{{HERE}}})"},
            "s",
        )
    )
    board.with_panel(
        number(
            "Blind",
            "How often vision was lost in the last hour.",
            {"times": f"sum(increase(rider_blind_total{{{HERE}}}[1h]))"},
            "short",
            steps=[(None, OK), (1, WARN)],
        )
    )
    board.with_panel(
        number(
            "Uptime of the panel",
            "Since its process started.",
            {"uptime": f'time() - max(rider_process_start_time_seconds{{{HERE}, process="panel"}})'},
            "s",
            runbook="RiderNotScraped",
        )
    )
    board.with_panel(
        number(
            "Version",
            "Of Rider-PC, and of Python.",
            {"{{version}} on Python {{python}}": f"max by (version, python) (rider_build_info{{{HERE}}})"},
            "short",
        )
    )
