"""The one type of pictures inside the program."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: (H, W) grey or (H, W, 3) BGR, 0 to 255; where a docstring says so, (H, W) masks of 0 and 1 or of coverage.
Pixels = NDArray[np.uint8]
