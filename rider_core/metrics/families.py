"""What a metric is: its name, kind, labels, and the label values that exist from the start.

A counter that appears with its first event has no increase at that event, and a dashboard has no data until then. So
each family says which of its label values a scrape has from the start.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

from prometheus_client import Counter, Gauge, Histogram, Metric

Kind = Literal["counter", "gauge", "histogram"]
#: How values of several processes become one: their sum, or the largest. Of processes that live.
Merge = Literal["livesum", "livemax"]
Labels = tuple[str, ...]


@dataclass(frozen=True)
class Family:
    """
    Attributes:
        name: As queries name it: counters end in `_total`.
        labels: Names of the labels.
        start: Label values that exist from the start, in the order of `labels`.
        bounds: Of a histogram's buckets, without the last, which has none.
    """

    name: str
    kind: Kind
    text: str
    labels: Labels
    start: tuple[Labels, ...] = ()
    bounds: tuple[float, ...] = ()

    @property
    def base(self) -> str:
        """The name in `# TYPE` lines of OpenMetrics."""
        return self.name.removesuffix("_total")

    def metric(self, values: Mapping[Labels, float] | None = None) -> Metric:
        """A gauge or a counter with these values by label values, for collectors that read them at each scrape."""
        metric = Metric(self.base, self.text, self.kind)
        for label_values, value in (values or {}).items():
            metric.add_sample(self.name, self._labelled(label_values), value)
        return metric

    def add_histogram(
        self, metric: Metric, label_values: Labels, counts: Sequence[int], sum_s: float, bounds: Sequence[float]
    ) -> None:
        """Add a histogram to a metric of this family.

        Args:
            counts: Of each bucket by itself, the last one included, which has no bound.
        """
        labels = self._labelled(label_values)
        for bound, total in zip((*bounds, float("inf")), accumulate(counts), strict=True):
            metric.add_sample(f"{self.name}_bucket", {**labels, "le": _le(bound)}, total)
        metric.add_sample(f"{self.name}_count", labels, sum(counts))
        metric.add_sample(f"{self.name}_sum", labels, sum_s)

    def add_start(self, metric: Metric) -> None:
        """Add the label values of `start` that the metric does not have."""
        known = {tuple(sample.labels.get(label) for label in self.labels) for sample in metric.samples}
        for label_values in self.start:
            if label_values in known:
                continue
            if self.kind == "histogram":
                self.add_histogram(metric, label_values, [0] * (len(self.bounds) + 1), 0.0, self.bounds)
            else:
                metric.add_sample(self.name, self._labelled(label_values), 0.0)

    def _labelled(self, label_values: Labels) -> dict[str, str]:
        return dict(zip(self.labels, label_values, strict=True))


def _le(bound: float) -> str:
    """A bucket's bound as the client writes it, so that sums over processes find the same label."""
    return "+Inf" if bound == float("inf") else repr(float(bound))


#: All families by name. A test holds `docs/metrics.md` against them.
FAMILIES: dict[str, Family] = {}


def family(
    name: str, kind: Kind, text: str, labels: Labels = (), *, start: Iterable[Labels] = (), bounds: Iterable[float] = ()
) -> Family:
    """Declare a family."""
    assert name not in FAMILIES, name
    FAMILIES[name] = Family(name, kind, text, labels, tuple(start), tuple(bounds))
    return FAMILIES[name]


def counter(name: str, text: str, labels: Labels = (), *, start: Iterable[Labels] = ()) -> Counter:
    """Declare a counter that this process may count."""
    it = family(name, "counter", text, labels, start=start)
    return Counter(it.name, it.text, it.labels)


def gauge(name: str, text: str, labels: Labels = (), *, merge: Merge = "livesum") -> Gauge:
    """Declare a gauge that this process may set."""
    it = family(name, "gauge", text, labels)
    return Gauge(it.name, it.text, it.labels, multiprocess_mode=merge)


def histogram(
    name: str, text: str, labels: Labels = (), *, bounds: Iterable[float], start: Iterable[Labels] = ()
) -> Histogram:
    """Declare a histogram in which this process may observe."""
    it = family(name, "histogram", text, labels, start=start, bounds=bounds)
    return Histogram(it.name, it.text, it.labels, buckets=it.bounds)


def each(*values: str) -> tuple[Labels, ...]:
    """These values of a single label."""
    return tuple((value,) for value in values)
