"""How the panels of our dashboards look: one function for each kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from grafana_foundation_sdk.builders import bargauge, common, dashboard, prometheus, stat, statetimeline, timeseries
from grafana_foundation_sdk.models import common as common_model
from grafana_foundation_sdk.models import dashboard as model

#: Where a panel's runbook line is: the page is a variable of the dashboard.
RUNBOOK = "${runbooks}#"
SOURCE = model.DataSourceRef(type_val="prometheus", uid="${datasource}")
HALF, THIRD, QUARTER, WHOLE = 12, 8, 6, 24
HEIGHT = 8
OK, BAD, WARN, NEUTRAL = "green", "red", "orange", "blue"
#: The machines that a panel shows: the variable at the top.
HERE = 'instance=~"$instance"'
#: Names of the states of what is up or down.
UP = {1: ("up", OK), 0: ("down", BAD)}
#: Expression by legend.
Queries = Mapping[str, str]
#: Lower bound and colour, ascending; the first bound is None.
Steps = Sequence[tuple[float | None, str]]


def lines(
    title: str,
    description: str,
    queries: Queries,
    unit: str,
    *,
    width: int = THIRD,
    steps: Steps = (),
    stacked: bool = False,
    most: float | None = None,
    runbook: str = "",
) -> timeseries.Panel:
    """Lines over time.

    Args:
        steps: Thresholds, drawn as lines.
        most: Upper end of the axis.
        runbook: Name of the alert about the same.
    """
    panel = (
        timeseries.Panel()
        .unit(unit)
        .min(0)
        .fill_opacity(12)
        .line_width(2)
        .show_points(common_model.VisibilityMode.NEVER)
        .span_nulls(False)
        .legend(
            common.VizLegendOptions()
            .display_mode(common_model.LegendDisplayMode.LIST)
            .placement(common_model.LegendPlacement.BOTTOM)
            .show_legend(True)
        )
        .tooltip(
            common.VizTooltipOptions()
            .mode(common_model.TooltipDisplayMode.MULTI)
            .sort(common_model.SortOrder.DESCENDING)
        )
    )
    if most is not None:
        panel.max(most)
    if steps:
        panel.thresholds(_thresholds(steps)).thresholds_style(
            common.GraphThresholdsStyleConfig().mode(common_model.GraphThresholdsStyleMode.DASHED)
        )
    if stacked:
        panel.stacking(common.StackingConfig().mode(common_model.StackingMode.NORMAL)).fill_opacity(40)
    return _finished(panel, title, description, queries, width, runbook)


def number(
    title: str, description: str, queries: Queries, unit: str, *, width: int = 4, steps: Steps = (), runbook: str = ""
) -> stat.Panel:
    """The latest value, large, with its course behind it."""
    panel = (
        stat.Panel()
        .unit(unit)
        .thresholds(_thresholds(steps or [(None, NEUTRAL)]))
        .color_mode(common_model.BigValueColorMode.VALUE)
        .graph_mode(common_model.BigValueGraphMode.AREA)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
    )
    return _finished(panel, title, description, queries, width, runbook, height=4)


def states(
    title: str, description: str, queries: Queries, names: Mapping[int, tuple[str, str]], *, width: int, runbook: str
) -> statetimeline.Panel:
    """States over time.

    Args:
        names: Value to its name and colour.
    """
    options = {
        str(value): model.ValueMappingResult(text=text, color=color, index=index)
        for index, (value, (text, color)) in enumerate(names.items())
    }
    panel = (
        statetimeline.Panel()
        .mappings([model.ValueMap(options=options)])
        .color_scheme(dashboard.FieldColor().mode(model.FieldColorModeId.THRESHOLDS))
        .thresholds(_thresholds([(None, NEUTRAL)]))
        .show_value(common_model.VisibilityMode.AUTO)
        .merge_values(True)
        .row_height(0.8)
        .fill_opacity(70)
        .legend(
            common.VizLegendOptions()
            .display_mode(common_model.LegendDisplayMode.LIST)
            .placement(common_model.LegendPlacement.BOTTOM)
            .show_legend(True)
        )
    )
    return _finished(panel, title, description, queries, width, runbook)


def bars(title: str, description: str, queries: Queries, unit: str, *, width: int, steps: Steps) -> bargauge.Panel:
    """One horizontal bar for each query, in their order: a waterfall."""
    panel = (
        bargauge.Panel()
        .unit(unit)
        .min(0)
        .thresholds(_thresholds(steps))
        .display_mode(common_model.BarGaugeDisplayMode.GRADIENT)
        .orientation(common_model.VizOrientation.HORIZONTAL)
        .value_mode(common_model.BarGaugeValueMode.TEXT)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
    )
    return _finished(panel, title, description, queries, width, "", instant=True)


Panel = TypeVar("Panel", timeseries.Panel, stat.Panel, statetimeline.Panel, bargauge.Panel)


def _finished(
    panel: Panel,
    title: str,
    description: str,
    queries: Queries,
    width: int,
    runbook: str,
    height: int = HEIGHT,
    instant: bool = False,
) -> Panel:
    panel.title(title).description(description).datasource(SOURCE).span(width).height(height)
    if runbook:
        link = dashboard.DashboardLink(f"What to do: {runbook}").type(model.DashboardLinkType.LINK)
        panel.links([link.url(RUNBOOK + runbook.lower()).target_blank(True)])
    for letter, (legend, expression) in zip("ABCDEFGH", queries.items(), strict=False):
        query = prometheus.Dataquery().expr(expression).legend_format(legend).ref_id(letter).datasource(SOURCE)
        panel.with_target(query.instant() if instant else query.range())
    return panel


def _thresholds(steps: Steps) -> dashboard.ThresholdsConfig:
    return (
        dashboard.ThresholdsConfig()
        .mode(model.ThresholdsMode.ABSOLUTE)
        .steps([model.Threshold(value=value, color=color) for value, color in steps])
    )
