"""Writes the dashboards: `python contrib/grafana/build.py`, with grafana-foundation-sdk for Grafana 11.6 installed.

Grafana 11 and newer read them. A test holds the files against this script.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as model
from latency import add_latency
from overview import add_overview

FOLDER = Path(__file__).parent / "dashboards"
TAG = "rider-pc"
#: The page with the alerts' sections: `make docs` builds it.
RUNBOOKS = "http://localhost:8020/en/alerts/"
#: Name, label in the head, and the metric whose label of that name has the values.
VARIABLES = (
    ("instance", "Machine", "rider_build_info"),
    ("queue", "Queue", "rider_jobs"),
    ("task", "Task", "rider_job_events_total"),
    ("provider", "Provider", "rider_provider_call_seconds_count"),
)


def dashboards() -> dict[str, str]:
    """File name to its JSON."""
    boards = {
        "rider-pc-overview": ("Rider-PC overview", add_overview),
        "rider-pc-latency": ("Rider-PC providers and latency", add_latency),
    }
    return {f"{uid}.json": _json(uid, title, add) for uid, (title, add) in boards.items()}


def _json(uid: str, title: str, add: Callable[[dashboard.Dashboard], None]) -> str:
    board = (
        dashboard.Dashboard(title)
        .uid(uid)
        .tags([TAG])
        .readonly()
        .refresh("10s")
        .time("now-30m", "now")
        .timezone("browser")
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .with_variable(dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
        .link(
            dashboard.DashboardLink("Rider-PC")
            .type(model.DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .as_dropdown(False)
            .include_vars(True)
            .keep_time(True)
        )
    )
    for name, label, metric in VARIABLES:
        board.with_variable(
            dashboard.QueryVariable(name)
            .label(label)
            .datasource(model.DataSourceRef(type_val="prometheus", uid="${datasource}"))
            .query(f"label_values({metric}, {name})")
            .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
            .sort(model.VariableSort.ALPHABETICAL_ASC)
            .multi(True)
            .include_all(True)
            .all_value(".*")
            .current(model.VariableOption(selected=True, text="All", value="$__all"))
        )
    board.with_variable(dashboard.TextBoxVariable("runbooks").label("Runbook page").default_value(RUNBOOKS))
    add(board)
    return JSONEncoder(sort_keys=True, indent=2).encode(board.build()) + "\n"


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, text in dashboards().items():
        (FOLDER / name).write_text(text)
        print(FOLDER / name)


if __name__ == "__main__":
    sys.exit(main())
