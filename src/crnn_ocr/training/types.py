"""Types that all of the training shares."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""A picture of a line, uint8 (H, W, 3) BGR, or some of them of one size, (N, H, W, 3)."""
Mask = NDArray[np.uint8]
"""Coverage of a line's ink, uint8 (H, W): 0 for ground, 255 for ink."""
