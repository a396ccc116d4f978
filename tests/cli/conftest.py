from __future__ import annotations

from tests.cli.fake_cli import engines

__all__ = ["engines"]
