"""Recognisers: line pictures in, readings out."""

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
    """A recognised character and where it stands.

    Attributes:
        text: The character.
        confidence: Probability that it is right, 0 to 1.
        start: Left border as a fraction of the line picture's width, 0 to 1.
        end: Right border, likewise.
        share: What the network itself gives it, uncalibrated, 0 to 1; the confidence where none is named.
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
    """What one line picture says.

    Attributes:
        text: The line.
        confidence: Probability that all of it is right, white space aside, 0 to 1; of a network that is not
            calibrated the mean of its visible characters' shares.
        chars: The characters; joined they are the text.
    """

    text: str
    confidence: float
    chars: tuple[ReadChar, ...] = ()

    @property
    def legibility(self) -> float:
        """Mean of the characters' shares, 0 to 1: how much the picture looks like text, however long."""
        return ctc.line_confidence([char.share for char in self.chars])


@dataclass(frozen=True, slots=True)
class Window:
    """One piece of a line, ready for the network.

    Attributes:
        first_frame: Where its first frame lies on the line's grid.
        frames: How many frames of the output belong to the picture rather than to the padding.
        pixels: (height, bucket width, channels) uint8; columns from `content` on are padding.
        content: Columns that show the line.
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
        frames: Width of the whole line in frames, fractional.
    """

    windows: tuple[Window, ...]
    frames: float


class Recognizer(Protocol):
    """Reads line pictures. `infer` is where the time goes and may run in several threads at once."""

    @property
    def name(self) -> str:
        """Name and version of the model."""

    @property
    def characters(self) -> frozenset[str]:
        """What it can tell apart."""

    @property
    def seconds_per_column(self) -> float:
        """What a column of a window costs on one core of this machine, roughly; seconds, more than 0."""

    @property
    def bytes_per_column(self) -> int:
        """What a column of a window takes at most while it is read, in bytes."""

    def window_widths(self, width: int, height: int) -> tuple[int, ...]:
        """How wide the windows are into which `prepare` will cut a picture of that size."""

    def prepare(self, crop: Pixels) -> PreparedLine:
        """Scale and cut a (H, W) or (H, W, 3) BGR line picture; cheap."""

    def infer(self, window: Window) -> Frames:
        """Run the network on one window."""

    def decode(self, line: PreparedLine, frames: Sequence[Frames]) -> Reading:
        """Join the windows' frames and turn them into text; cheap."""


class CtcRecognizer:
    """Any network with a CTC head and a character list, one line per run.

    One line per run, not a batch: on one core a batch costs the same per line, its padding costs extra,
    and ONNX Runtime rounds differently for different batch sizes, so answers would depend on neighbours.
    """

    def __init__(self, session: Session, manifest: Manifest, charset: Charset) -> None:
        """Combine a loaded, fused graph with its manifest and characters.

        Raises:
            ModelBrokenError: The graph does not do what the manifest says: found by reading a probe.
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
        """What it was loaded by."""
        return self._manifest

    @property
    def characters(self) -> frozenset[str]:
        """What it can tell apart."""
        return frozenset(self._charset.symbols) - {""}

    @property
    def seconds_per_column(self) -> float:
        """What a column of a window costs on one core, as the self-check found.

        Networks differ by a factor of ten and more, precisions by two and a half. The probe is one narrow
        window: wide ones cost up to a fifth less per column.
        """
        return self._seconds_per_column

    @property
    def bytes_per_column(self) -> int:
        """What a column of a window takes at most while it is read, in bytes."""
        return round(self._manifest.memory_per_pixel * self._manifest.input_height)

    def close(self) -> None:
        """Let the network go; it cannot read any more."""
        self._session.close()

    def window_widths(self, width: int, height: int) -> tuple[int, ...]:
        """Input widths of the windows of a line picture, from left to right.

        Args:
            width: Width of the picture in pixels.
            height: Its height.
        """
        cuts = self._cuts(self.sizing.content_width(width, height))
        return tuple(self.sizing.bucket(end - start) for start, end in cuts)

    def _cuts(self, content: int) -> tuple[tuple[int, int], ...]:
        """(start, end) of the windows of a line of that width, in network pixels."""
        longest = self.sizing.max_width - self.sizing.margin
        return windows(content, longest=longest, overlap=self._overlap, stride=self.sizing.stride)

    def prepare(self, crop: Pixels) -> PreparedLine:
        """Scale a line picture to the input height and cut it into windows.

        Args:
            crop: (H, W) grey or (H, W, 3) BGR, at least one pixel.
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
        """Join the windows' frames, merge repeats, look the characters up."""
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
        """What speaks against a line, to fit a calibration with; None where nothing visible was read."""
        joined = self._joined(line, frames)
        visible = [token for token in self._tokens(joined) if not self._charset[token.index].isspace()]
        return self._gather(joined, visible) if visible else None

    def _joined(self, line: PreparedLine, frames: Sequence[Frames]) -> Frames:
        """The frames of the whole line."""
        parts = [(window.first_frame, part) for window, part in zip(line.windows, frames, strict=True)]
        return stitch(parts, blank=self._charset.blank)

    def _tokens(self, joined: Frames) -> tuple[Token, ...]:
        """The characters of a line, spaces included."""
        tokens = ctc.decode(joined, blank=self._charset.blank)
        return ctc.without_doubles(tokens, [is_han(self._charset[token.index]) for token in tokens])

    def _gather(self, frames: Frames, visible: Sequence[Token]) -> Evidence:
        width = self.sizing.stride / (self.sizing.height * self.sizing.stretch)
        return confidence.gather(frames, visible, blank=self._charset.blank, frame_width=width)

    def _line_confidence(self, frames: Frames, visible: Sequence[Token]) -> float:
        """Of a line with those visible characters."""
        calibration = self._manifest.calibration
        if calibration is None or not visible:
            return ctc.line_confidence([token.confidence for token in visible])
        return confidence.line_confidence(calibration, self._gather(frames, visible))

    def _character_confidence(self, share: float) -> float:
        calibration = self._manifest.calibration
        return share if calibration is None else confidence.character_confidence(calibration, share)

    def _coloured(self, crop: Pixels) -> Pixels:
        """The crop with the channels that the network wants."""
        if self._manifest.channels == 1:
            grey = crop if crop.ndim == 2 else cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)
            return np.asarray(grey[:, :, None], np.uint8)
        return np.asarray(cv2.cvtColor(crop, cv2.COLOR_GRAY2BGR), np.uint8) if crop.ndim == 2 else crop

    def _self_check(self) -> float:
        """Read an empty line: the shapes must fit the manifest before the first real picture comes.

        Returns:
            CPU seconds for each column of the window.
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
