"""Defines the stages that a page passes after decoding, and their order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from crnn_ocr.document import Block, Line, Remark, with_polygons
from crnn_ocr.engine.kinds import DETECTOR, RECOGNIZER, TABLE, ModelUse
from crnn_ocr.engine.stage import PageState, Stage, Tools
from crnn_ocr.engine.text_lines import upright_lines
from crnn_ocr.errors import ModelBrokenError, ModelNotFoundError
from crnn_ocr.imaging.enhance import enhance
from crnn_ocr.imaging.quality import measure, remarks
from crnn_ocr.imaging.seals import without_seals
from crnn_ocr.layout.blocks.arrange import arrange_blocks
from crnn_ocr.layout.order import reading_order
from crnn_ocr.layout.spread_labels import find_spread_labels
from crnn_ocr.layout.stacks import find_stacks
from crnn_ocr.models.fingerprint import SECOND_READER
from crnn_ocr.pixels import Pixels
from crnn_ocr.recognition.lines import single_strokes
from crnn_ocr.recognition.lines.crops import turned, unturn
from crnn_ocr.recognition.lines.line_joining import join_lines
from crnn_ocr.recognition.lines.reader import LineReader
from crnn_ocr.recognition.lines.regions import ReadRegion, joined_column, reinsert_superscripts
from crnn_ocr.recognition.lines.remarks import reading_remarks
from crnn_ocr.tables.find import find_tables
from crnn_ocr.tables.grid import Box, Grid

DETECTION = ModelUse("detector", DETECTOR)
RECOGNITION = ModelUse("recognizer", RECOGNIZER, name=lambda options: options.model)
SECOND_LOOK = ModelUse(
    "second",
    RECOGNIZER,
    name=lambda options: SECOND_READER,
    wanted=lambda options, lent: options.recheck == "auto" and lent[RECOGNITION.role].second_look,
    optional=True,
)
TABLES = ModelUse("tables", TABLE, wanted=lambda options, lent: options.layout == "blocks", optional=True)


def _enhance(state: PageState, tools: Tools) -> None:
    """Measure the picture, enhance it as the options say, and remove seals from print."""
    state.quality = measure(state.image)
    state.image = without_seals(enhance(state.image, tools.options, state.quality))
    if state.share is not None:
        state.share.shrink(state.image.nbytes)


def _detect(state: PageState, tools: Tools) -> None:
    """Find the regions with text."""
    state.regions = tools.models(DETECTION).detect(state.image, tools.work)


def _recognise(state: PageState, tools: Tools) -> None:
    """Read the regions without turning them."""
    reader = _reader(tools)
    state.found = reader.read(state.image, state.regions or [])
    state.failed = reader.failed


def _orient_page(state: PageState, tools: Tools) -> None:
    """Turn a picture that is sideways or upside down; then it must be detected and read again."""
    state.turn = _reader(tools).page_turn(state.image, state.found or [])
    if state.turn:
        state.image = turned(state.image, state.turn)
        state.regions = state.found = None


def _orient_lines(state: PageState, tools: Tools) -> None:
    """Try other rotations for lines that were read with low confidence, and read columns as columns."""
    state.found = _reader(tools).turn_unsure(state.image, state.found or [])


def _extract_superscripts(state: PageState, tools: Tools) -> None:
    """Read superscripts and subscripts by themselves, and their lines without them."""
    state.found = _reader(tools).extract_superscripts(state.image, state.found or [])


def _recheck(state: PageState, tools: Tools) -> None:
    """Read parts with low confidence again with the accurate model; without it the first reading stays."""
    try:
        state.found = _reader(tools).look_again(
            state.image, state.found or [], lambda: tools.models(SECOND_LOOK)
        )
    except (ModelNotFoundError, ModelBrokenError) as error:
        message = f"Parts that are not certain could not be read again: {error.message}"
        state.warnings += (Remark("RECHECK_UNAVAILABLE", message),)


def _widths(state: PageState, tools: Tools) -> None:
    """Set punctuation to full or half width, as the script around it and the ink suggest."""
    state.found = _reader(tools).settle_widths(state.image, state.found or [])


def _arrange(state: PageState, tools: Tools) -> None:
    """Decide about single marks, join the parts of a line, and put the lines into reading order."""
    found = state.found = single_strokes.resolve(state.image, reinsert_superscripts(state.found or []))
    kept = [entry for entry in found if entry.reading.legibility >= tools.options.min_confidence]
    labels = find_spread_labels(
        [entry.polygon for entry in kept], [entry.reading.text if entry.level else "" for entry in kept]
    )
    kept = join_lines(kept, labels)
    kept = [replace(entry, reading=tools.replacements.apply(entry.reading)) for entry in kept]
    state.kept = _with_columns_joined([entry for entry in kept if entry.reading.text])
    state.blocks = _blocks(state)


def _find_blocks(state: PageState, tools: Tools) -> None:
    """Tell tables, headings, paragraphs, lists and figures apart."""
    image = state.image if state.whole is None else state.whole
    lines = [*(entry.line() for entry in state.kept), *_text_lines(state)]
    order = [index for block in _reading_order(state) for index in block]
    tables, rest = find_tables(image, [lines[index] for index in order], partial(_grids_of_network, tools))
    blocks = arrange_blocks(image, rest, tables)
    if state.turn:
        place = partial(unturn, turn=state.turn, width=state.width, height=state.height)
        blocks = tuple(with_polygons(block, place) for block in blocks)
    state.blocks = tuple(blocks)


def _grids_of_network(tools: Tools, image: Pixels, area: Box, lines: Sequence[Line]) -> Sequence[Grid]:
    """Return the grids of a table that the network sees; none if its pack is missing or broken."""
    try:
        recognizer = tools.models(TABLES)
    except (ModelNotFoundError, ModelBrokenError):
        return ()
    return recognizer.grids(image, area, lines, tools.work)


def _remark(state: PageState, tools: Tools) -> None:
    """Add remarks about what may be missing or wrong in the result."""
    assert state.quality is not None
    warnings: tuple[Remark, ...] = ()
    if state.text is None:  # on a page with text there is more to see than its pictures
        # The heights of lines that were read, not of regions: smears make regions, but no lines.
        warnings = remarks(state.quality, [entry.height for entry in state.kept])
    warnings += reading_remarks(state.found or [], state.kept, state.image, state.turn)
    if state.failed:
        message = f"The model failed on {state.failed} lines; they are missing."
        warnings += (Remark("LINES_FAILED", message),)
    state.warnings = warnings + state.warnings


def _reader(tools: Tools) -> LineReader:
    return LineReader(tools.models(RECOGNITION), tools.work)


def _is_read(state: PageState, tools: Tools) -> bool:
    return state.is_read


def _may_be_turned(state: PageState, tools: Tools) -> bool:
    return tools.options.orientation == "auto" and state.text is None


def _has_lines_to_turn(state: PageState, tools: Tools) -> bool:
    return tools.options.orientation == "auto" and state.is_read


def _may_look_again(state: PageState, tools: Tools) -> bool:
    return state.is_read and tools.models.has(SECOND_LOOK)


DETECT = Stage("detect", _detect, (DETECTION,), lambda state, tools: state.is_read and state.regions is None)
RECOGNISE = Stage(
    "recognise", _recognise, (RECOGNITION,), lambda state, tools: state.is_read and state.found is None
)

#: The stages of every page. After a page has been turned, its new picture is detected and read again. Where a
#: page holds its text, only its pictures are read, if there are any.
STAGES: tuple[Stage, ...] = (
    Stage("enhance", _enhance, applies=_is_read),
    DETECT,
    RECOGNISE,
    Stage("orient", _orient_page, (RECOGNITION,), _may_be_turned),
    DETECT,
    RECOGNISE,
    Stage("orient", _orient_lines, (RECOGNITION,), _has_lines_to_turn),
    Stage("recognise", _extract_superscripts, (RECOGNITION,), _is_read),
    Stage("recheck", _recheck, (RECOGNITION, SECOND_LOOK), _may_look_again),
    Stage("recognise", _widths, (RECOGNITION,), _is_read),
    Stage("layout", _arrange),
    Stage("layout", _find_blocks, (TABLES,), lambda state, tools: tools.options.layout == "blocks"),
    Stage("layout", _remark, applies=_is_read),
)


def _with_columns_joined(found: Sequence[ReadRegion]) -> list[ReadRegion]:
    """Return the regions, with the pieces of each column joined into one."""
    columns = find_stacks([entry.polygon for entry in found], [entry.upright_characters for entry in found])
    pieces = {index for column in columns for index in column}
    return [entry for i, entry in enumerate(found) if i not in pieces] + [
        joined_column([found[i] for i in column]) for column in columns
    ]


def _blocks(state: PageState) -> tuple[Block, ...]:
    """Return the lines in reading order, in blocks, with positions in the input picture."""
    place = partial(unturn, turn=state.turn, width=state.width, height=state.height)
    lines = [replace(entry, polygon=place(entry.polygon)).line() for entry in state.kept]
    if state.text is not None:
        lines += state.text.lines
    return tuple(Block(tuple(lines[index] for index in block)) for block in _reading_order(state))


def _text_lines(state: PageState) -> tuple[Line, ...]:
    """Return the lines of the page's own text in pixels of the upright page."""
    return () if state.text is None else upright_lines(state.text)


def _reading_order(state: PageState) -> tuple[tuple[int, ...], ...]:
    """Return blocks of indices: first those of the lines that were read, then those of the page's text."""
    texts = _text_lines(state)
    columns = () if state.text is None else state.text.columns
    return reading_order(
        [*(entry.polygon for entry in state.kept), *(line.polygon for line in texts)],
        [*(entry.reading.text for entry in state.kept), *(line.text for line in texts)],
        [*(entry.column for entry in state.kept), *columns],
    )
