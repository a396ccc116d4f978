"""Claims that a run must keep, and what it showed."""

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
