"""`/jobs`: documents that are read in the background, so that no request has to wait for them."""

from crnn_ocr.service.routes.jobs.describe import ROUTES
from crnn_ocr.service.routes.jobs.routes import install

__all__ = ["ROUTES", "install"]
