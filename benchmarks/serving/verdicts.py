"""Defines verdicts: a claim about a run, and whether it held."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """One claim.

    Attributes:
        claim: what has to hold.
        found: what was measured, in words.
        kept: whether it held.
    """

    claim: str
    found: str
    kept: bool

    def __str__(self) -> str:
        return f"- {'kept' if self.kept else 'MISSED'}: {self.claim} ({self.found})"
