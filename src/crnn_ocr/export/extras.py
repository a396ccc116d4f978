"""Tell clearly that an output format needs an optional dependency."""

from __future__ import annotations

import importlib.util

from crnn_ocr.errors import MissingExtraError


def require(module: str, extra: str, what: str) -> None:
    """Check that a module of an extra is installed, without importing it.

    Args:
        module: Name of the top-level module.
        extra: The extra that brings it, for example "office".
        what: What needs it, for example "Excel files".

    Raises:
        MissingExtraError: The module is not installed.
    """
    if importlib.util.find_spec(module) is None:
        raise MissingExtraError(
            f"Writing {what} needs the extra `{extra}`.", hint=f"Install it: pip install 'crnn-ocr[{extra}]'."
        )
