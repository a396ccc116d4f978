"""A machine on which no folder for temporary files can be written to."""

from __future__ import annotations

import tempfile

import pytest


def without_temporary_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have Python's own search find none, as on read-only disks."""
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/dev/null/none"])
