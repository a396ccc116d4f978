"""Errors of models, settings and what is installed."""

from __future__ import annotations

from crnn_ocr.errors.base import OcrError


class ModelNotFoundError(OcrError):
    """There is no model pack with that name."""

    code = "MODEL_NOT_FOUND"
    http_status = 404
    default_hint = "Choose one of the installed packs; the message lists them."


class ModelBrokenError(OcrError):
    """The files of a model pack do not match its manifest, or it cannot be loaded."""

    code = "MODEL_BROKEN"
    http_status = 503
    default_hint = "Install the pack again: its files do not match its manifest."


class ModelTooLargeError(ModelBrokenError):
    """There is not enough memory to load the model."""

    code = "MODEL_TOO_LARGE"
    default_hint = "Use a smaller model, or give the program more memory."


class ModelInstallError(OcrError):
    """A model pack cannot be added or removed."""

    code = "MODEL_INSTALL_FAILED"
    http_status = 500
    default_hint = (
        "`crnn-ocr models list` shows the folder of the packs; check its permissions and free space."
    )


class ModelsBusyError(OcrError):
    """All places for models named by requests are taken, or the model is still being loaded."""

    code = "MODELS_BUSY"
    http_status = 503
    default_hint = "Try again soon, or leave out `model`: the active model is always available."


class ModelSwitchError(OcrError):
    """The model cannot become the active one; the service keeps the current one."""

    code = "MODEL_SWITCH_FAILED"
    http_status = 409
    default_hint = "`crnn-ocr models verify NAME` shows what is wrong with the pack."


class ModelSwitchForbiddenError(OcrError):
    """Switching the model needs an API key or, if the service has none, a request from the same machine."""

    code = "MODEL_SWITCH_FORBIDDEN"
    http_status = 403
    default_hint = "Give the service API keys, or run `crnn-ocr models use NAME` on the same machine."


class ModelSwitchRunningError(OcrError):
    """The service is already switching to another model."""

    code = "MODEL_SWITCH_RUNNING"
    http_status = 409
    default_hint = "Wait until it is done: GET /models shows which model is active."


class NotReadyError(OcrError):
    """The service is running, but its model is not loaded yet."""

    code = "NOT_READY"
    http_status = 503
    default_hint = "Wait a moment and try again; if it does not become ready, see the log."


class MissingExtraError(OcrError):
    """The input needs an optional dependency that is not installed."""

    code = "EXTRA_MISSING"
    http_status = 501
    default_hint = "Install the extra that the message names, for example: pip install 'crnn-ocr[pdf]'."


class SettingsError(OcrError):
    """The value of a setting (environment variable) is not valid."""

    code = "SETTINGS_INVALID"
    http_status = 500
    default_hint = "docs/settings.md lists every setting with its values."
