"""Tells the webhook of a job that it is finished."""

from __future__ import annotations

from functools import lru_cache

from crnn_ocr.jobs.backends import Jobs
from crnn_ocr.jobs.description import job_out
from crnn_ocr.jobs.records import Task
from crnn_ocr.jobs.webhooks import Webhooks
from crnn_ocr.settings import Settings


def notify(jobs: Jobs, task: Task) -> None:
    """Deliver the message to the webhook of a task, once.

    Raises:
        WebhookFailedError: It was not received.
        SettingsError: The secret that signs webhooks is malformed.
    """
    job = jobs.store.get(task.job)
    url = task.request.webhook
    if job is None or url is None or job.finished is None:
        return
    _sender(jobs.settings).deliver(url, job.id, job_out(job), finished=job.finished)


@lru_cache(maxsize=1)
def _sender(settings: Settings) -> Webhooks:
    """Return the sender, which is made once: it loads the certificates of the authorities."""
    return Webhooks.from_settings(settings)
