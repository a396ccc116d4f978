"""Seeded mistakes, each with the words by which it has to be caught."""

from __future__ import annotations

from tests.deploy.kubernetes.mutants import (
    edge,
    monitoring,
    probes,
    resources,
    scaling,
    security,
    settings,
    shutdown,
    spelling,
    wiring,
)
from tests.deploy.kubernetes.mutants.draft import MINIMAL, Draft, Mutant

__all__ = ["MINIMAL", "MUTANTS", "Draft", "Mutant"]

_PARTS = (spelling, wiring, security, resources, probes, settings, scaling, shutdown, edge, monitoring)

MUTANTS = [mutant for part in _PARTS for mutant in part.MUTANTS]
