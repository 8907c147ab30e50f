"""`docs/metrics.md` has a row for every metric, as the code declares it."""

from __future__ import annotations

from pathlib import Path

from rider_core.metrics import definitions
from rider_core.metrics.families import FAMILIES, Family

PAGE = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"


def row(family: Family) -> str:
    labels = ", ".join(f"`{label}`" for label in family.labels)
    return f"| `{family.name}` | {family.kind} | {labels} | {family.text} |"


def test_the_page_has_every_metric_and_no_other() -> None:
    assert not definitions.shares_values()
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| `rider_")]
    ours = [line for line in rows if not line.startswith("| `rider_web_")]
    expected = [row(family) for family in FAMILIES.values()]
    assert ours == expected, "the rows should be:\n" + "\n".join(expected)
