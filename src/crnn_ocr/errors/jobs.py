"""Errors of jobs."""

from __future__ import annotations

from crnn_ocr.errors.base import OcrError


class JobsDisabledError(OcrError):
    """This service runs no jobs."""

    code = "JOBS_DISABLED"
    http_status = 404
    default_hint = (
        "Send the document to POST /ocr or /convert; the server's setting CRNN_OCR_JOBS enables jobs."
    )


class JobNotFoundError(OcrError):
    """There is no such job, or it belongs to another API key."""

    code = "JOB_NOT_FOUND"
    http_status = 404
    default_hint = "Check the id, and use the API key that made the job; GET /jobs lists its jobs."


class JobNotReadyError(OcrError):
    """The job is not finished, so that its result cannot be had yet, or it was cancelled."""

    code = "JOB_NOT_READY"
    http_status = 409
    default_hint = "Wait until GET /jobs/ID shows the state `succeeded` or `partial`."


class JobFailedError(OcrError):
    """The job, or the page that is asked for, failed, so that there is no result."""

    code = "JOB_FAILED"
    http_status = 422
    default_hint = "GET /jobs/ID and GET /jobs/ID/pages tell why; mend the file, and send it as a new job."


class JobExpiredError(OcrError):
    """The files of the job have been deleted, because its time to live was over."""

    code = "JOB_EXPIRED"
    http_status = 410
    default_hint = "Send the document again; a longer time can be asked for with `ttl`."


class IdempotencyKeyReusedError(OcrError):
    """The idempotency key was used with another request."""

    code = "IDEMPOTENCY_KEY_REUSED"
    http_status = 422
    default_hint = "Use a new Idempotency-Key for every new job."


class TooManyJobsError(OcrError):
    """The API key has as many unfinished jobs as it may have."""

    code = "JOBS_TOO_MANY"
    http_status = 429
    default_hint = "Wait until some are finished, or cancel some; the limit is CRNN_OCR_JOBS_PER_KEY."


class JobStorageFullError(OcrError):
    """There is no room for the files of another job."""

    code = "JOB_STORAGE_FULL"
    http_status = 507
    default_hint = "Delete finished jobs, or wait until they expire; the limit is CRNN_OCR_JOBS_QUOTA_BYTES."


class JobResultTooLargeError(OcrError):
    """A result of the job is larger than it may be."""

    code = "JOB_RESULT_TOO_LARGE"
    http_status = 413
    default_hint = (
        "Ask for fewer pages or files in one job, or for other formats; the limit is "
        "CRNN_OCR_JOBS_MAX_RESULT_BYTES."
    )


class JobsUnavailableError(OcrError):
    """The table of jobs or their files cannot be reached or written."""

    code = "JOBS_UNAVAILABLE"
    http_status = 503
    default_hint = "Send the request again later; nothing was accepted."


class JobWorkerLostError(OcrError):
    """The workers that read this page, or wrote this result, died each time; of the last attempt alone."""

    code = "JOB_WORKER_LOST"
    http_status = 500
    default_hint = "Scale the page down, or save it in another format, and send that; tell the operator."


class WebhooksDisabledError(OcrError):
    """The job names a webhook, but this service sends none."""

    code = "WEBHOOKS_DISABLED"
    http_status = 403
    default_hint = (
        "Ask GET /jobs/ID until the job is finished; the server's setting CRNN_OCR_JOBS_WEBHOOK_SECRET "
        "enables webhooks."
    )


class WebhookNotAllowedError(OcrError):
    """The URL of the webhook is malformed, or leads to a host to which this service does not connect."""

    code = "WEBHOOK_NOT_ALLOWED"
    http_status = 403
    default_hint = (
        "Use an http or https URL of a public host; the operator can name others with "
        "CRNN_OCR_JOBS_WEBHOOK_HOSTS and CRNN_OCR_JOBS_WEBHOOK_NETWORKS."
    )


class WebhookFailedError(OcrError):
    """The webhook of a finished job has not received the message; only logs and the job show it."""

    code = "WEBHOOK_FAILED"
    http_status = 502
    default_hint = "Check the receiver; the message is sent again for some hours."


class WebhookGoneError(WebhookFailedError):
    """The webhook answers with status 410: it wants no more messages."""

    code = "WEBHOOK_GONE"
    default_hint = "Name another webhook in the next job; GET /jobs/ID shows how this one ended."
