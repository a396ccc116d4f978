"""Choose the size at which a line is shown to the network, from that line alone (pure functions).

The width of the network's input is rounded up to a bucket, which bounds the number of shapes that ONNX
Runtime meets and prepares memory for. Neither the scale nor the bucket depends on other lines that are read
at the same time. Together with one line per run this makes a line's result bit-identical whatever its
neighbours are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from crnn_ocr.models.manifest import WIDTH_MARGIN, WIDTH_STEP


@dataclass(frozen=True, slots=True)
class Sizing:
    """Parameters for scaling the lines of one recogniser.

    Attributes:
        height: Input height in pixels.
        stretch: Horizontal scale relative to the vertical one. 1.5 at height 32 makes lines as wide as at
            height 48, for networks that save rows but need the columns to tell narrow characters apart.
        stride: Pixels of width per time step.
        margin: Least padding on the right of every line, in pixels, so that the convolutions see the same
            border in every bucket.
        step: Buckets are multiples of this, in pixels; it is a multiple of `stride`.
        min_width: Smallest bucket in pixels.
        max_width: Largest bucket in pixels; wider lines are read in windows.
        condense: Horizontal factor for lines longer than `condense_from`. Long lines are printed text, which
            the network still reads when it is narrower, at proportionally lower cost.
        condense_from: Aspect ratio (width : height) above which lines are condensed.
    """

    height: int = 48
    stride: int = 8
    margin: int = WIDTH_MARGIN
    step: int = WIDTH_STEP
    min_width: int = 160
    max_width: int = 1280
    condense: float = 1.0
    condense_from: float = 6.0
    stretch: float = 1.0

    def __post_init__(self) -> None:
        if self.step % self.stride or self.min_width % self.step or self.max_width % self.step:
            raise ValueError("step must be a multiple of stride, min_width and max_width of step")

    def content_width(self, width: int, height: int) -> int:
        """Return the width in pixels of a crop of width × height scaled to the input height, at least 1."""
        factor = self.stretch * (self.condense if width > self.condense_from * height else 1.0)
        return max(1, math.ceil(width * self.height / height * factor))

    def bucket(self, content: int) -> int:
        """Return the network's input width for content of that width in pixels, ignoring `max_width`."""
        return max(self.min_width, -(-(content + self.margin) // self.step) * self.step)
