"""Turn the lines of a page's own text upright."""

from __future__ import annotations

from crnn_ocr.document import Line
from crnn_ocr.imaging.pdf.page_text import PageText, moved_line
from crnn_ocr.imaging.polygons import Turn
from crnn_ocr.recognition.lines.crops import unturn

_BACK: dict[Turn, Turn] = {0: 0, 90: 270, 180: 180, 270: 90}


def upright_lines(text: PageText) -> tuple[Line, ...]:
    """Return the lines of a text in pixels of the page turned upright."""
    if text.turn == 0:
        return text.lines
    width, height = (text.width, text.height) if text.turn == 180 else (text.height, text.width)
    # A point of the page, seen as the upright page turned back.
    return tuple(
        moved_line(line, unturn(line.polygon, _BACK[text.turn], width, height)) for line in text.lines
    )
