"""Defines a stage of reading, the state of a page that it changes, and the runner of the stages.

To register a stage, add it to the list `crnn_ocr.engine.page_stages.STAGES`. The runner (`run_stages`) takes
care of timing, deadlines and leases of models, so the stages do not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeVar

from crnn_ocr.detection.boxes import Region
from crnn_ocr.document import Block, Page, Remark
from crnn_ocr.engine.kinds import ModelUse
from crnn_ocr.imaging.pdf.page_text import PageText
from crnn_ocr.imaging.polygons import Turn
from crnn_ocr.imaging.quality import Quality
from crnn_ocr.models.store import Closable
from crnn_ocr.options import ReadOptions
from crnn_ocr.pixels import Pixels
from crnn_ocr.recognition.lines.regions import ReadRegion
from crnn_ocr.recognition.text.replacements import Replacements
from crnn_ocr.scheduling.budget import Share
from crnn_ocr.scheduling.stage_clock import StageClock
from crnn_ocr.scheduling.work import Work

M = TypeVar("M", bound=Closable)


class Models(Protocol):
    """Interface that leases models to the reading of one document."""

    def __call__(self, use: ModelUse[M], /) -> M:
        """Return the model; an optional one is leased at its first use.

        Raises:
            ModelNotFoundError: There is no such pack; raised for optional models only.
            ModelBrokenError: It cannot be loaded; raised for optional models only.
        """

    def has(self, use: ModelUse[Any], /) -> bool:
        """Return whether the model may be needed, given the options and the other models."""


@dataclass(frozen=True, slots=True)
class Tools:
    """Everything that the stages use to read the pages of one document.

    Attributes:
        models: Leases the models that the stages declare.
        replacements: The user's table of replacements.
        work: Runs the tasks of this request.
        options: The options of the reading.
    """

    models: Models
    replacements: Replacements
    work: Work
    options: ReadOptions


@dataclass(slots=True)
class PageState:
    """State of a page between two stages. Stages change it in place, so that old pictures are freed.

    Attributes:
        image: The picture to read, (H, W) grey or (H, W, 3) BGR, turned upright once that is known.
        width: Width of the input picture in pixels.
        height: Height of the input picture in pixels.
        share: The page's share of the pictures' memory budget; None if it is too small to count.
        quality: Measurements of the picture.
        regions: Regions with text; None if they have yet to be detected.
        found: The regions with their readings; None if they have yet to be read.
        kept: The entries of `found` that become part of the answer.
        turn: Degrees clockwise by which the picture was turned to be upright.
        failed: Number of lines on which the model failed.
        blocks: Lines in reading order, with positions in the input picture.
        warnings: Remarks on the page.
        text: The text that the page holds, in pixels of the input picture; None if its picture is read.
        whole: The upright page, if `image` shows nothing but the pictures on it.
    """

    image: Pixels
    width: int
    height: int
    share: Share | None = None
    quality: Quality | None = None
    regions: list[Region] | None = None
    found: list[ReadRegion] | None = None
    kept: list[ReadRegion] = field(default_factory=list)
    turn: Turn = 0
    failed: int = 0
    blocks: tuple[Block, ...] = ()
    warnings: tuple[Remark, ...] = ()
    text: PageText | None = None
    whole: Pixels | None = None

    @property
    def is_read(self) -> bool:
        """Whether there is a picture to read."""
        return self.text is None or bool(self.text.pictures)

    @property
    def origin(self) -> Literal["ocr", "text_layer", "mixed"]:
        """Where the text comes from; see `Page.origin`."""
        if self.text is None:
            return "ocr"
        return "mixed" if self.text.pictures else "text_layer"

    def page(self) -> Page:
        """Return the page of the output model."""
        return Page(self.width, self.height, self.blocks, self.turn, self.warnings, origin=self.origin)


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """One step of reading a page.

    Attributes:
        name: Name under which its time is added up; several stages may share a name.
        run: Changes the state of the page; raises `OcrError` if no answer is possible.
        models: The models that it needs.
        applies: Returns whether it has to run for a page.
    """

    name: str
    run: Callable[[PageState, Tools], None]
    models: tuple[ModelUse[Any], ...] = ()
    applies: Callable[[PageState, Tools], bool] = lambda state, tools: True


def run_stages(stages: Sequence[Stage], state: PageState, tools: Tools, clock: StageClock) -> Page:
    """Run all stages over one page and return it.

    Raises:
        DeadlineExceededError: The request's time ran out before a stage.
        RequestCancelledError: The request was cancelled before a stage.
    """
    for stage in stages:
        if stage.applies(state, tools):
            with clock(stage.name):
                stage.run(state, tools)
    return state.page()


def models_of(stages: Sequence[Stage]) -> tuple[ModelUse[Any], ...]:
    """Return every model that the stages declare, once, in the order of the stages.

    Raises:
        ValueError: Two models have the same role.
    """
    uses: dict[str, ModelUse[Any]] = {}
    for stage in stages:
        for use in stage.models:
            if uses.setdefault(use.role, use) is not use:
                raise ValueError(f"two models have the role {use.role!r}")
    return tuple(uses.values())
