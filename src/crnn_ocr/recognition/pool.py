"""Keeps all cores busy with single-threaded runs: the windows of many lines, widest first."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from crnn_ocr.recognition.postprocess import tidy
from crnn_ocr.recognition.recognizer import Reading, Recognizer

Image = NDArray[np.uint8]


class LinePool:
    """Reads lists of line pictures on a fixed number of threads; may be used by many callers at once."""

    def __init__(self, threads: int) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="crnn-ocr-line")

    def read(self, recognizer: Recognizer, crops: Sequence[Image]) -> list[Reading]:
        """One reading per line picture, in the order given.

        Raises:
            Exception: Whatever the recogniser raises for one of them; the rest is cancelled.
        """
        lines = [recognizer.prepare(crop) for crop in crops]
        work = [(i, j) for i, line in enumerate(lines) for j in range(len(line.windows))]
        work.sort(key=lambda item: -lines[item[0]].windows[item[1]].pixels.shape[1])
        futures = {(i, j): self._executor.submit(recognizer.infer, lines[i].windows[j]) for i, j in work}
        try:
            return [
                tidy(recognizer.decode(line, [futures[i, j].result() for j in range(len(line.windows))]))
                for i, line in enumerate(lines)
            ]
        finally:
            for future in futures.values():
                future.cancel()

    def close(self) -> None:
        """Stop the threads; runs in progress end first."""
        self._executor.shutdown(wait=True, cancel_futures=True)
