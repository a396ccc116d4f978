"""Pages of lines with their picture: characters are drawn as strokes, so that no font is needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from crnn_ocr.document import Block, BlockKind, Line
from crnn_ocr.layout.blocks.arrange import arrange_blocks
from crnn_ocr.pixels import Pixels
from tests.layout.blocks.lines import HEIGHT, line, text_width

HAN = "自然语言处理研究人们怎样使用机器理解文字和语音其中包括许多不同任务例如翻译问答摘要以及信息提取"


def han(count: int, end: str = "") -> str:
    """Return that many Chinese characters and then `end`."""
    return (HAN * (count // len(HAN) + 1))[:count] + end


@dataclass(slots=True)
class Sheet:
    """A page under construction; places are in pixels.

    Attributes:
        image: Its picture.
        lines: Its lines.
    """

    image: Pixels = field(default_factory=lambda: np.full((1400, 1000, 3), 255, np.uint8))
    lines: list[Line] = field(default_factory=list)

    def add(
        self, text: str, x: float, y: float, *, size: float = 1.0, stroke: int = 2, width: float | None = None
    ) -> Sheet:
        """Add a line whose type is `size` times as large as usual, with strokes of that width in pixels."""
        height = HEIGHT * size
        self.lines.append(line(text, x, y, text_width(text, height) if width is None else width, height))
        right = self.lines[-1].polygon[1][0]
        for left in np.arange(x + 2, right - stroke, max(6.0, height / 3)):
            self.image[round(y + 3) : round(y + height - 3), round(left) : round(left) + stroke] = 0
        return self

    def paragraph(self, count: int, x: float, y: float, *, chars: int = 40, pitch: float = 1.5) -> Sheet:
        """Add lines of Chinese text; the first is indented and the last ends early with a full stop."""
        for at in range(count):
            indent = 2 if at == 0 else 0
            length = chars - indent if at < count - 1 else chars // 2
            text = han(length - 1, "。") if at == count - 1 else han(length - 6, "，") + han(5)
            self.add(text, x + indent * HEIGHT, y + at * pitch * HEIGHT)
        return self

    def rule(self, x: float, y: float, width: float) -> Sheet:
        """Add a horizontal rule of two pixels."""
        self.image[round(y) : round(y) + 2, round(x) : round(x + width)] = 0
        return self

    def photograph(self, x: int, y: int, width: int, height: int) -> Sheet:
        """Add a picture with all shades of grey."""
        rng = np.random.default_rng(0)
        coarse = rng.integers(0, 200, (height // 10 + 1, width // 10 + 1), np.uint8)
        grey = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
        self.image[y : y + height, x : x + width] = grey[:, :, None]
        return self

    def blocks(self, tables: Sequence[Block] = ()) -> tuple[Block, ...]:
        """Return its blocks."""
        return arrange_blocks(self.image, self.lines, tables)

    def kinds(self) -> dict[str, BlockKind]:
        """Return the kind of the block of each line, by its text."""
        return {each.text: block.kind for block in self.blocks() for each in block.lines}
