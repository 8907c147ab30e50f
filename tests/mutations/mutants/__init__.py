"""Each defence of the product, taken out: `make mutations` applies one mutant after the other and wants its test red.

A new defence gets its mutant here, in the module of the part where it stands.
"""

from __future__ import annotations

from mutants import (
    broker,
    engines,
    jobs,
    jobs_accepted,
    jobs_ended,
    link_bus,
    link_domains,
    link_process,
    link_vision,
    link_voice,
    process,
    rpc,
    schedules,
    web,
    worker,
)
from mutants.mutant import Mutant

__all__ = ["MUTANTS", "Mutant"]

MUTANTS = [
    mutant
    for module in (
        broker,
        engines,
        jobs,
        jobs_accepted,
        jobs_ended,
        link_bus,
        link_domains,
        link_process,
        link_vision,
        link_voice,
        process,
        rpc,
        schedules,
        web,
        worker,
    )
    for mutant in module.MUTANTS
]
