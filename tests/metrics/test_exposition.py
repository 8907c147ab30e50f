"""What one process's scrape has: label values from the start, both formats, and only families that are declared."""

from __future__ import annotations

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from rider_core.metrics.exposition import exposition, registry
from rider_core.metrics.families import FAMILIES

OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"


def test_label_values_exist_from_the_start() -> None:
    text = exposition(registry(), "")[0].decode()
    samples = {
        (sample.name, tuple(sample.labels.get(label) for label in FAMILIES[name].labels))
        for name, family in FAMILIES.items()
        for metric in parse_text(text)
        if metric.name in (family.base, family.name)
        for sample in metric.samples
    }
    for name, family in FAMILIES.items():
        for labels in family.start:
            assert (f"{name}_count" if family.kind == "histogram" else name, labels) in samples


def test_a_scraper_gets_the_format_that_it_asks_for() -> None:
    source = registry()
    text, content_type = exposition(source, OPENMETRICS)
    assert content_type.startswith("application/openmetrics-text; version=1.0.0")
    assert text.decode().endswith("# EOF\n")
    families = {family.name: family for family in parse_openmetrics(text.decode())}
    assert families["rider_frames"].type == "counter"
    assert families["rider_utterance_seconds"].type == "histogram"
    older, content_type = exposition(source, "text/plain;version=0.0.4")
    assert content_type.startswith("text/plain; version=0.0.4")
    assert b"# TYPE rider_frames_total counter" in older
    assert b"# EOF" not in older


def test_every_family_of_ours_is_declared() -> None:
    declared = {family.base for family in FAMILIES.values()}
    names = {metric.name for metric in registry().collect()}
    assert {name for name in names if name.startswith("rider_")} <= declared
    assert not [name for name in names if name.endswith("_created")]


def test_names_follow_the_conventions() -> None:
    for family in FAMILIES.values():
        assert family.name.startswith("rider_")
        assert family.name.endswith("_total") == (family.kind == "counter"), family.name
        assert not any(word in family.name for word in ("_ms", "_mb", "_kb", "_percent", "_minutes")), family.name
        assert family.text.endswith("."), family.name
        for labels in family.start:
            assert len(labels) == len(family.labels), family.name
