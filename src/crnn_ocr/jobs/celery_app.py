"""Holds the application for Celery's own command line: `celery -A crnn_ocr.jobs.celery_app worker`.

Settings come from the environment. `crnn-ocr worker` does the same with the flags and the log format of the
product; Flower and `celery inspect` take this module, too.
"""

from __future__ import annotations

from crnn_ocr.jobs.messaging.configuration import make_app
from crnn_ocr.jobs.messaging.parts import open_background, open_worker
from crnn_ocr.jobs.messaging.worker import equip
from crnn_ocr.settings import load_settings

_settings = load_settings()
app = make_app(_settings)
equip(app, _settings, open_worker, open_background)
