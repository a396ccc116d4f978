"""Examples in the OpenAPI document; a test sends the request and compares the answer's shape."""

from __future__ import annotations

from typing import Any

#: A white PNG of 2 × 2 pixels, short enough to be shown.
TINY_PNG = "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAAAAABX3VL4AAAADklEQVR42mP8z8DEwAAABQ0BA6UiEhkAAAAASUVORK5CYII="

OCR_REQUEST: dict[str, Any] = {"image": TINY_PNG, "options": {"denoise": "off", "min_confidence": 0.6}}

OCR_ANSWER: dict[str, Any] = {
    "success": True,
    "text": "合计：￥5999.00\nThank you",
    "elapsed_ms": 87.4,
    "lines": [
        {
            "text": "合计：￥5999.00",
            "confidence": 0.9873,
            "polygon": [[24.0, 31.5], [310.0, 31.5], [310.0, 62.0], [24.0, 62.0]],
        },
        {
            "text": "Thank you",
            "confidence": 0.9951,
            "polygon": [[24.0, 80.0], [188.0, 80.0], [188.0, 108.5], [24.0, 108.5]],
        },
    ],
    "width": 640,
    "height": 480,
    "model": "crnn-zh-en/1",
    "cached": False,
    "warnings": [],
    "request_id": "8f0c6f3a5b7e4d0f9a1c2b3d4e5f6a7b",
}

BATCH_REQUEST: list[dict[str, Any]] = [{"image": TINY_PNG}, {"image": "bm8gcGljdHVyZQ=="}]

BATCH_ANSWER: dict[str, Any] = {
    "success": True,
    "results": [
        {"index": 0, **OCR_ANSWER},
        {
            "index": 1,
            "success": False,
            "status": 415,
            "error": {
                "code": "IMAGE_TYPE_UNSUPPORTED",
                "message": "The data is plain text, not a picture.",
                "hint": "Send JPG, PNG, BMP, GIF, TIFF or WebP (PDF where the server has the extra `pdf`).",
            },
            "request_id": "8f0c6f3a5b7e4d0f9a1c2b3d4e5f6a7b",
        },
    ],
    "failed": 1,
    "elapsed_ms": 102.3,
    "request_id": "8f0c6f3a5b7e4d0f9a1c2b3d4e5f6a7b",
}
