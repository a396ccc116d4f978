"""The detector of a running service is switched as its recogniser is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from crnn_ocr.models.registry import BUNDLED
from tests.service.rendering import png
from tests.service.wire import Server, running_server


def active(server: Server) -> set[str]:
    """Names of the active recogniser and detector."""
    models = server.get("/models").json["models"]
    return {model["name"] for model in models if model["active"] and model["kind"] != "table"}


def switch(server: Server, name: str) -> dict[str, object]:
    body = json.dumps({"model": name}).encode()
    reply = server.ask("PUT", "/models/active", body, {"Content-Type": "application/json"})
    assert reply.status in (200, 202), reply.body
    answer: dict[str, object] = reply.json
    return answer


def test_all_workers_change_the_detector_but_no_recogniser(tmp_path: Path) -> None:
    pack = tmp_path / "finder"
    shutil.copytree(BUNDLED / "ppocrv6-det-small", pack)
    manifest = json.loads((pack / "manifest.json").read_text(encoding="utf-8")) | {"name": "finder"}
    (pack / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with running_server(CRNN_OCR_MODELS_DIR=str(tmp_path), CRNN_OCR_WORKERS="2") as server:
        assert active(server) == {"crnn-zh-en", "ppocrv6-det-small"}
        answer = switch(server, "finder")
        assert (answer["model"], answer["previous"]) == ("finder/1", "ppocrv6-det-small/1")
        assert answer["workers"] == 2
        assert active(server) == {"crnn-zh-en", "finder"}
        assert server.read(png("Number 4711")).json["text"] == "Number 4711"

        assert switch(server, "edge")["previous"] == "crnn-zh-en/1"
        assert active(server) == {"crnn-zh-en-edge", "finder"}
        assert server.read(png("Number 4711")).json["model"] == "crnn-zh-en-edge/1"
