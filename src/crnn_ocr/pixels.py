"""Define the one array type that pictures have inside the program."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: (H, W) grey or (H, W, 3) BGR, uint8, 0 to 255. Where a docstring says so, it is an (H, W) mask instead.
Pixels = NDArray[np.uint8]
