"""The stages of one page behind decoding: the picture in, the page of the Document out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from crnn_ocr.detection.detector import Detector
from crnn_ocr.document import Block, Page, Remark
from crnn_ocr.errors import ModelBrokenError, ModelNotFoundError
from crnn_ocr.imaging.enhance import enhance
from crnn_ocr.imaging.quality import measure, remarks
from crnn_ocr.imaging.seals import without_seals
from crnn_ocr.layout.order import reading_order
from crnn_ocr.layout.spread import spread_labels
from crnn_ocr.layout.stacks import stacks
from crnn_ocr.options import ReadOptions
from crnn_ocr.recognition.lines import lone
from crnn_ocr.recognition.lines.crops import Turn, turned, unturn
from crnn_ocr.recognition.lines.joined import joined
from crnn_ocr.recognition.lines.reader import LineReader, ReadRegion, joined_column, put_back_raised
from crnn_ocr.recognition.lines.remarks import reading_remarks
from crnn_ocr.recognition.network.recognizer import Recognizer
from crnn_ocr.recognition.text.replacements import Replacements
from crnn_ocr.runtime.budget import Share
from crnn_ocr.scheduling.stages import StageClock
from crnn_ocr.scheduling.work import Work

Image = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Tools:
    """What the pages of one document are read with.

    Attributes:
        detector: Finds lines.
        recognizer: Reads them.
        second: Lends the recogniser of the second look; None: there is none.
        replacements: The user's.
        work: Does the tasks of this request.
    """

    detector: Detector
    recognizer: Recognizer
    second: Callable[[], Recognizer] | None
    replacements: Replacements
    work: Work


def read_page(
    image: Image, share: Share | None, tools: Tools, options: ReadOptions, clock: StageClock
) -> Page:
    """All stages behind decoding, for one page."""
    height, width = image.shape[:2]
    reader = LineReader(tools.recognizer, tools.work)
    with clock("enhance"):
        quality = measure(image)
        image = without_seals(enhance(image, options, quality))
    if share is not None:
        share.shrink(image.nbytes)
    with clock("detect"):
        regions = tools.detector.detect(image, tools.work)
    with clock("recognise"):
        found = reader.read(image, regions)
    turn: Turn = 0
    if options.orientation == "auto":
        with clock("orient"):
            turn = reader.page_turn(image, found)
        if turn:
            image = turned(image, turn)
            with clock("detect"):
                regions = tools.detector.detect(image, tools.work)
            with clock("recognise"):
                found = reader.read(image, regions)
        with clock("orient"):
            found = reader.turn_unsure(image, found)
    with clock("recognise"):
        found = reader.take_out_raised(image, found)
    unavailable: tuple[Remark, ...] = ()
    if tools.second is not None:
        with clock("recheck"):
            found, unavailable = _looked_again(image, found, reader, tools.second)
    with clock("recognise"):
        found = reader.with_widths(image, found)
    with clock("layout"):
        found = lone.settle(image, put_back_raised(found))
        kept = [entry for entry in found if entry.reading.legibility >= options.min_confidence]
        labels = spread_labels(
            [entry.polygon for entry in kept], [entry.reading.text if entry.level else "" for entry in kept]
        )
        kept = [
            replace(entry, reading=tools.replacements.apply(entry.reading)) for entry in joined(kept, labels)
        ]
        kept = _with_columns_joined([entry for entry in kept if entry.reading.text])
        blocks = _blocks(kept, turn, width, height)
        # Of what was read, not of what was found: smears make regions, but no lines.
        warnings = remarks(quality, [entry.height for entry in kept])
        warnings += reading_remarks(found, kept, image, turn)
        if reader.failed:
            message = f"The model failed at {reader.failed} lines, which are missing."
            warnings += (Remark("LINES_FAILED", message),)
    return Page(width, height, blocks, turn, warnings + unavailable)


def _looked_again(
    image: Image, found: list[ReadRegion], reader: LineReader, second: Callable[[], Recognizer]
) -> tuple[list[ReadRegion], tuple[Remark, ...]]:
    """The regions after the second look, and a remark where the model for it cannot be had."""
    try:
        return reader.look_again(image, found, second), ()
    except (ModelNotFoundError, ModelBrokenError) as error:
        # The first reading is an answer; what it lacks is told next to it.
        message = f"What was not read surely could not be read again: {error.message}"
        return found, (Remark("RECHECK_UNAVAILABLE", message),)


def _with_columns_joined(found: Sequence[ReadRegion]) -> list[ReadRegion]:
    """The regions; those that are pieces of one column have become one."""
    columns = stacks([entry.polygon for entry in found], [entry.upright_characters for entry in found])
    pieces = {index for column in columns for index in column}
    return [entry for i, entry in enumerate(found) if i not in pieces] + [
        joined_column([found[i] for i in column]) for column in columns
    ]


def _blocks(found: Sequence[ReadRegion], turn: Turn, width: int, height: int) -> tuple[Block, ...]:
    """Lines in reading order, in blocks, with places in the picture that came in."""
    order = reading_order(
        [entry.polygon for entry in found],
        [entry.reading.text for entry in found],
        [entry.column for entry in found],
    )
    return tuple(
        Block(
            tuple(
                replace(found[i], polygon=unturn(found[i].polygon, turn, width, height)).line() for i in block
            )
        )
        for block in order
    )
