"""Bounds how long the upload of a job may be, in bytes and in seconds. Pure functions."""

from __future__ import annotations

from crnn_ocr.settings import MIB, Settings

#: Room for the headers of parts and for text fields, in bytes.
_BESIDES_FILES = 4 * MIB


def longest_body(settings: Settings) -> int:
    """Return the most bytes that a body with the files of a job may have."""
    files = settings.jobs_max_file_bytes * settings.jobs_max_files
    return min(files, settings.jobs_quota_bytes) + _BESIDES_FILES


def upload_time_s(settings: Settings, length: int) -> float:
    """Return the longest time that a body of that length may take to arrive, in seconds.

    A longer body has more time, so that the same connection is fast enough for both.
    """
    return settings.upload_timeout_s * max(1.0, length / settings.max_body_bytes)


def longest_upload_s(settings: Settings) -> float:
    """Return the longest time that any upload of a job may take to arrive, in seconds."""
    return upload_time_s(settings, longest_body(settings))
