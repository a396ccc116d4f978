"""Draws the pictures that the engine's tests read."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Picture = NDArray[np.uint8]

_CJK_FONTS = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/System/Library/Fonts/PingFang.ttc",
)


@cache
def _font(size: int, chinese: bool) -> ImageFont.FreeTypeFont:
    if not chinese:
        font = ImageFont.load_default(size)
        assert isinstance(font, ImageFont.FreeTypeFont)
        return font
    for path in _CJK_FONTS:
        if Path(path).is_file():
            return ImageFont.truetype(path, size)
    pytest.skip("no Chinese font is installed (Debian: fonts-noto-cjk or fonts-wqy-zenhei)")


def line(text: str, *, size: int = 32, pad: int = 8, ink: int = 0, paper: int = 255) -> Picture:
    """One line of text as a tight BGR crop."""
    return page([(pad, pad // 2, text)], size=size, pad=pad, ink=ink, paper=paper)


def page(
    texts: list[tuple[int, int, str]],
    *,
    size: int = 32,
    pad: int = 8,
    shape: tuple[int, int] | None = None,
    ink: int = 0,
    paper: int = 255,
) -> Picture:
    """Texts at (x, y) on a BGR page of (width, height), or just large enough for them."""
    fonts = [_font(size, any(ord(c) > 0x2E7F for c in text)) for _, _, text in texts]
    boxes = [font.getbbox(text) for font, (_, _, text) in zip(fonts, texts, strict=True)]
    if shape is None:
        width = max(int(x + box[2]) for (x, _, _), box in zip(texts, boxes, strict=True)) + pad
        height = max(int(y + box[3]) for (_, y, _), box in zip(texts, boxes, strict=True)) + pad // 2
        shape = (width, height)
    image = Image.new("L", shape, paper)
    draw = ImageDraw.Draw(image)
    for font, (x, y, text) in zip(fonts, texts, strict=True):
        draw.text((x, y), text, font=font, fill=ink)
    return np.repeat(np.asarray(image, np.uint8)[:, :, None], 3, axis=2)
