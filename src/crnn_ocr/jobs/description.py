"""Describes jobs and their pages as answers and webhooks show them. Pure functions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from crnn_ocr.jobs.records import Job, PageRecord, Problem
from crnn_ocr.jobs.results import formats_of


def job_out(job: Job) -> dict[str, Any]:
    """Return a job as `GET /jobs/{id}` shows it."""
    return {
        "id": job.id,
        "state": job.state,
        "created": _time(job.created),
        "started": _time(job.started),
        "finished": _time(job.finished),
        "expires": _time(job.expires),
        "formats": list(formats_of(job)),
        "options": job.request.without_secrets().options,
        "files": [
            {
                "number": file.number,
                "name": file.name,
                "size": file.size,
                "pages": file.pages,
                "error": _error(file.problem),
            }
            for file in job.files
        ],
        "pages_total": job.pages_total,
        "pages_done": job.pages_done,
        "pages_failed": job.pages_failed,
        "position": job.position,
        "sequence": job.sequence,
        "error": _error(job.problem),
    }


def page_out(page: PageRecord) -> dict[str, Any]:
    """Return a page as `GET /jobs/{id}/pages` shows it."""
    return {
        "file": page.file,
        "number": page.number,
        "state": page.state,
        "attempts": page.attempts,
        "sequence": page.sequence,
        "elapsed_ms": round(page.elapsed_ms, 1),
        "error": _error(page.problem),
    }


def _time(seconds: float | None) -> str | None:
    """Return a time as RFC 3339 writes it, in UTC."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _error(problem: Problem | None) -> dict[str, str] | None:
    if problem is None:
        return None
    return {"code": problem.code, "message": problem.message, "hint": problem.hint}
