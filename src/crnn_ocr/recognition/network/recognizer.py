"""Read crops of text lines with a CTC network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from crnn_ocr.errors import ModelBrokenError
from crnn_ocr.imaging.enhance import resize_line
from crnn_ocr.models.manifest import Manifest, window_overlap
from crnn_ocr.models.prepare import CLASSES_KEY, CONFIDENCES, IDS
from crnn_ocr.pixels import Pixels
from crnn_ocr.recognition.network import confidence, ctc
from crnn_ocr.recognition.network.buckets import Sizing
from crnn_ocr.recognition.network.charset import Charset, is_han
from crnn_ocr.recognition.network.chunks import stitch, windows
from crnn_ocr.recognition.network.confidence import Evidence
from crnn_ocr.recognition.network.ctc import Frames, Token
from crnn_ocr.runtime.cpu import timed
from crnn_ocr.runtime.onnx import Session

_ANSWERS = {"scores": (IDS, CONFIDENCES), "best": ("ids", "confidences")}
_LENGTHS = "lengths"


@dataclass(frozen=True, slots=True)
class ReadChar:
    """A recognised character and its position.

    Attributes:
        text: The character.
        confidence: Probability that it is right, 0 to 1.
        start: Left border as a fraction of the crop's width, 0 to 1.
        end: Right border as a fraction of the crop's width, 0 to 1.
        share: The network's own, uncalibrated probability, 0 to 1; by default the confidence.
    """

    text: str
    confidence: float
    start: float
    end: float
    share: float = math.nan

    def __post_init__(self) -> None:
        if math.isnan(self.share):
            object.__setattr__(self, "share", self.confidence)


@dataclass(frozen=True, slots=True)
class Reading:
    """The text that was read from the crop of one line.

    Attributes:
        text: The text of the line.
        confidence: Probability that all of it is right, ignoring white space, 0 to 1. For an uncalibrated
            network it is the mean of the visible characters' shares.
        chars: The characters; joined they are the text.
    """

    text: str
    confidence: float
    chars: tuple[ReadChar, ...] = ()

    @property
    def legibility(self) -> float:
        """Mean of the characters' shares, 0 to 1: how much the crop looks like text, whatever its length."""
        return ctc.line_confidence([char.share for char in self.chars])


@dataclass(frozen=True, slots=True)
class Window:
    """One piece of a line, ready for the network.

    Attributes:
        first_frame: Index of its first frame on the line's grid.
        frames: Number of output frames that belong to the line rather than to the padding.
        pixels: (height, bucket width, channels) uint8; columns from `content` on are padding.
        content: Number of columns that show the line.
    """

    first_frame: int
    frames: int
    pixels: Pixels
    content: int


@dataclass(frozen=True, slots=True)
class PreparedLine:
    """A line cut into windows.

    Attributes:
        windows: From left to right; most lines have one.
        frames: Width of the whole line in frames; it may be fractional.
    """

    windows: tuple[Window, ...]
    frames: float


class Recognizer(Protocol):
    """A recogniser of text lines. `infer` takes most of the time and may run in several threads at once."""

    @property
    def name(self) -> str:
        """Name and version of the model."""

    @property
    def characters(self) -> frozenset[str]:
        """The characters that it can read."""

    @property
    def seconds_per_column(self) -> float:
        """Approximate CPU seconds per window column on one core of this machine; more than 0."""

    @property
    def bytes_per_column(self) -> int:
        """Most bytes per window column while a window is read."""

    def window_widths(self, width: int, height: int) -> tuple[int, ...]:
        """Return the widths, in network pixels, of the windows that `prepare` cuts from such a crop."""

    def prepare(self, crop: Pixels) -> PreparedLine:
        """Scale a crop, (H, W) grey or (H, W, 3) BGR uint8, and cut it into windows; cheap."""

    def infer(self, window: Window) -> Frames:
        """Run the network on one window."""

    def decode(self, line: PreparedLine, frames: Sequence[Frames]) -> Reading:
        """Join the windows' frames and turn them into text; cheap."""


class CtcRecognizer:
    """A recogniser for any network with a CTC head and a character list; it reads one line per run.

    Lines are not batched. On one core a batch costs the same per line, its padding costs extra, and ONNX
    Runtime rounds differently for different batch sizes, so that results would depend on neighbouring lines.
    """

    def __init__(self, session: Session, manifest: Manifest, charset: Charset) -> None:
        """Combine a loaded, fused graph with its manifest and characters.

        Raises:
            ModelBrokenError: Reading a probe showed that the graph does not match its manifest.
        """
        self._session = session
        self._manifest = manifest
        self._charset = charset
        self._input = session.inputs[0]
        self._answers = _ANSWERS[manifest.output]
        self.sizing = Sizing(
            height=manifest.input_height,
            stride=manifest.stride,
            max_width=manifest.max_width,
            condense=manifest.condense,
            condense_from=manifest.condense_from,
            stretch=manifest.stretch,
        )
        self._overlap = window_overlap(manifest.input_height, manifest.stretch)
        self._seconds_per_column = self._self_check()

    @property
    def name(self) -> str:
        """Name and version of the model."""
        return self._manifest.id

    @property
    def manifest(self) -> Manifest:
        """The manifest of the pack."""
        return self._manifest

    @property
    def characters(self) -> frozenset[str]:
        """The characters that it can read."""
        return frozenset(self._charset.symbols) - {""}

    @property
    def seconds_per_column(self) -> float:
        """CPU seconds per window column on one core, as measured by the self-check.

        Networks differ by a factor of ten and more, precisions by two and a half. The probe is one narrow
        window; wide windows cost up to a fifth less per column.
        """
        return self._seconds_per_column

    @property
    def bytes_per_column(self) -> int:
        """Most bytes per window column while a window is read."""
        return round(self._manifest.memory_per_pixel * self._manifest.input_height)

    def close(self) -> None:
        """Release the network; the recogniser cannot be used afterwards."""
        self._session.close()

    def window_widths(self, width: int, height: int) -> tuple[int, ...]:
        """Return the input widths, in network pixels, of the windows of a crop, from left to right.

        Args:
            width: Width of the crop in pixels.
            height: Height of the crop in pixels.
        """
        cuts = self._cuts(self.sizing.content_width(width, height))
        return tuple(self.sizing.bucket(end - start) for start, end in cuts)

    def _cuts(self, content: int) -> tuple[tuple[int, int], ...]:
        """Return (start, end) of the windows of a line of that width, in network pixels."""
        longest = self.sizing.max_width - self.sizing.margin
        return windows(content, longest=longest, overlap=self._overlap, stride=self.sizing.stride)

    def prepare(self, crop: Pixels) -> PreparedLine:
        """Scale the crop of a line to the input height and cut it into windows.

        Args:
            crop: (H, W) grey or (H, W, 3) BGR, uint8, with at least one pixel.
        """
        sizing = self.sizing
        height, width = crop.shape[:2]
        content = sizing.content_width(width, height)
        line = resize_line(self._coloured(crop), content, sizing.height)
        line = line if line.ndim == 3 else line[:, :, None]
        pieces = []
        for start, end in self._cuts(content):
            bucket = sizing.bucket(end - start)
            pixels = np.zeros((sizing.height, bucket, line.shape[2]), np.uint8)
            pixels[:, : end - start] = line[:, start:end]
            frames = -(-(end - start) // sizing.stride)
            pieces.append(Window(start // sizing.stride, frames, pixels, end - start))
        return PreparedLine(tuple(pieces), content / sizing.stride)

    def infer(self, window: Window) -> Frames:
        """Run the network on one window; padding columns are zero after normalisation."""
        scale = 1.0 / (255.0 * self._manifest.std)
        shift = -self._manifest.mean / self._manifest.std
        tensor = np.zeros((1, window.pixels.shape[2], *window.pixels.shape[:2]), np.float32)
        shown = tensor[0, :, :, : window.content]
        np.multiply(window.pixels[:, : window.content].transpose(2, 0, 1), np.float32(scale), out=shown)
        shown += np.float32(shift)
        feeds: dict[str, NDArray[Any]] = {self._input: tensor}
        if self._manifest.output == "best":
            feeds[_LENGTHS] = np.array([window.content], np.int32)
        ids, confidences = (answer.ravel() for answer in self._session.run(feeds, self._answers))
        return Frames(ids[: window.frames + 1], confidences[: window.frames + 1])

    def decode(self, line: PreparedLine, frames: Sequence[Frames]) -> Reading:
        """Join the windows' frames, merge repeats and look up the characters.

        Args:
            line: The line as `prepare` returned it.
            frames: The frames of each of its windows, in order.
        """
        joined = self._joined(line, frames)
        tokens = self._tokens(joined)
        symbols = [self._charset[token.index] for token in tokens]
        chars: list[ReadChar] = []
        for i, (start, end) in enumerate(ctc.extents(tokens, line.frames)):
            left, right, share = start / line.frames, end / line.frames, tokens[i].confidence
            chars.append(ReadChar(symbols[i], self._character_confidence(share), left, right, share))
        visible = [token for token, symbol in zip(tokens, symbols, strict=True) if not symbol.isspace()]
        sure = self._line_confidence(joined, visible)
        return Reading("".join(char.text for char in chars), sure, tuple(chars))

    def evidence(self, line: PreparedLine, frames: Sequence[Frames]) -> Evidence | None:
        """Return the evidence for fitting a calibration; None if nothing visible was read."""
        joined = self._joined(line, frames)
        visible = [token for token in self._tokens(joined) if not self._charset[token.index].isspace()]
        return self._gather(joined, visible) if visible else None

    def _joined(self, line: PreparedLine, frames: Sequence[Frames]) -> Frames:
        """Return the frames of the whole line."""
        parts = [(window.first_frame, part) for window, part in zip(line.windows, frames, strict=True)]
        return stitch(parts, blank=self._charset.blank)

    def _tokens(self, joined: Frames) -> tuple[Token, ...]:
        """Return the characters of a line, including spaces."""
        tokens = ctc.decode(joined, blank=self._charset.blank)
        return ctc.without_doubles(tokens, [is_han(self._charset[token.index]) for token in tokens])

    def _gather(self, frames: Frames, visible: Sequence[Token]) -> Evidence:
        width = self.sizing.stride / (self.sizing.height * self.sizing.stretch)
        return confidence.gather(frames, visible, blank=self._charset.blank, frame_width=width)

    def _line_confidence(self, frames: Frames, visible: Sequence[Token]) -> float:
        """Return the confidence of a line with those visible characters."""
        calibration = self._manifest.calibration
        if calibration is None or not visible:
            return ctc.line_confidence([token.confidence for token in visible])
        return confidence.line_confidence(calibration, self._gather(frames, visible))

    def _character_confidence(self, share: float) -> float:
        calibration = self._manifest.calibration
        return share if calibration is None else confidence.character_confidence(calibration, share)

    def _coloured(self, crop: Pixels) -> Pixels:
        """Convert the crop to the channels that the network needs."""
        if self._manifest.channels == 1:
            grey = crop if crop.ndim == 2 else cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)
            return np.asarray(grey[:, :, None], np.uint8)
        return np.asarray(cv2.cvtColor(crop, cv2.COLOR_GRAY2BGR), np.uint8) if crop.ndim == 2 else crop

    def _self_check(self) -> float:
        """Read an empty line, so that a mismatch of graph and manifest is found at start-up.

        Returns:
            CPU seconds per window column.

        Raises:
            ModelBrokenError: The graph does not match its manifest.
        """
        pack = f"pack {self._manifest.name!r}"
        inputs = 2 if self._manifest.output == "best" else 1
        if len(self._session.inputs) != inputs or not {*self._answers} <= {*self._session.outputs}:
            raise ModelBrokenError(
                f"{pack}: the graph's inputs and outputs are not those of output = {self._manifest.output!r}"
            )
        classes = self._session.metadata.get(CLASSES_KEY)
        if classes is not None and classes != str(len(self._charset)):
            raise ModelBrokenError(
                f"{pack}: the graph has {classes} classes, the character list makes {len(self._charset)}"
            )
        try:
            window = self.prepare(np.full((self.sizing.height, 64, 3), 255, np.uint8)).windows[0]
            frames, spent = timed(partial(self.infer, window))
            expected = window.pixels.shape[1] // self.sizing.stride
            fits = len(frames) <= expected and int(frames.ids.max(initial=0)) < len(self._charset)
        except Exception as error:  # whatever ONNX Runtime objects to
            raise ModelBrokenError(f"{pack} cannot read its probe: {error}") from error
        if not fits:
            raise ModelBrokenError(f"{pack}: graph and manifest disagree on stride or classes")
        return spent / int(window.pixels.shape[1])
