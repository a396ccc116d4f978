"""Serves faster-paddle over HTTP with as little code as possible: ``gunicorn "…:make('small')"``."""

import importlib
from typing import Any


def make(size: str) -> Any:
    """Return a Flask application with one route, `POST /ocr`: a picture as the body, its lines as JSON."""
    flask: Any = importlib.import_module("flask")
    package: Any = importlib.import_module("faster_paddle")
    engine = package.OcrEngine(model_size=size)
    app = flask.Flask(__name__)

    @app.post("/ocr")  # type: ignore[untyped-decorator]
    def ocr() -> Any:
        bounds = engine.ocr(flask.request.get_data())["bounds"].values()
        return {"lines": [{"text": bound["text"]} for bound in bounds]}

    return app
