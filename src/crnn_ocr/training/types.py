"""Names for what pictures are in the training."""

from __future__ import annotations

from crnn_ocr.pixels import Pixels

#: A picture of a line, (H, W, 3) BGR, or some of them of one size, (N, H, W, 3).
Image = Pixels
#: Coverage of a line's ink, (H, W): 0 for ground, 255 for ink.
Mask = Pixels
