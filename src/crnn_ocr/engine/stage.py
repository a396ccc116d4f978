"""What a stage of reading is: it takes the state of a page one step further.

A stage is registered by standing in the list of stages (`crnn_ocr.engine.page_stages.STAGES`). Time,
deadlines and the loan of models are the runner's business (`run_stages`), not the stages'.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from crnn_ocr.detection.boxes import Region
from crnn_ocr.document import Block, Page, Remark
from crnn_ocr.engine.kinds import ModelUse
from crnn_ocr.imaging.quality import Quality
from crnn_ocr.models.store import Closable
from crnn_ocr.options import ReadOptions
from crnn_ocr.pixels import Pixels
from crnn_ocr.recognition.lines.crops import Turn
from crnn_ocr.recognition.lines.reader import ReadRegion
from crnn_ocr.recognition.text.replacements import Replacements
from crnn_ocr.runtime.budget import Share
from crnn_ocr.scheduling.stage_clock import StageClock
from crnn_ocr.scheduling.work import Work

M = TypeVar("M", bound=Closable)


class Models(Protocol):
    """Lends models for as long as a document is read."""

    def __call__(self, use: ModelUse[M], /) -> M:
        """Return the model; loaded now where it is an optional one that nobody has asked for yet.

        Raises:
            ModelNotFoundError: There is no such pack; only for optional ones.
            ModelBrokenError: It cannot be loaded; likewise.
        """

    def has(self, use: ModelUse[Any], /) -> bool:
        """Return whether the options and the other models leave a use for it."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What the pages of one document are read with.

    Attributes:
        models: Lends the models that the stages declare.
        replacements: The user's.
        work: Does the tasks of this request.
        options: How to read.
    """

    models: Models
    replacements: Replacements
    work: Work
    options: ReadOptions


@dataclass(slots=True)
class PageState:
    """A page between two stages; each stage changes it in place, so that no earlier picture is held.

    Attributes:
        image: (H, W) grey or (H, W, 3) BGR: the picture that is read, upright as far as that is known.
        width: Width of the picture that came in, in pixels.
        height: Its height.
        share: What the page holds of the pixels' budget; None where it is too small to count.
        quality: What was measured of the picture.
        regions: Where text stands; None: to be looked for.
        found: The regions with their readings; None: to be read.
        kept: Those of them that are part of the answer.
        turn: By how many degrees clockwise the picture was turned to be upright.
        failed: Lines that could not be read because the model failed at them.
        blocks: Lines in reading order, with places in the picture that came in.
        warnings: Remarks on the page.
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

    def page(self) -> Page:
        """Return the page of the output model."""
        return Page(self.width, self.height, self.blocks, self.turn, self.warnings)


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """One step of reading a page.

    Attributes:
        name: Its time is added up under this name; several stages may share one.
        run: Takes the page a step further; raises `OcrError` for whatever makes an answer impossible.
        models: The models that it needs.
        applies: Whether there is anything to do for a page.
    """

    name: str
    run: Callable[[PageState, Tools], None]
    models: tuple[ModelUse[Any], ...] = ()
    applies: Callable[[PageState, Tools], bool] = lambda state, tools: True


def run_stages(stages: Sequence[Stage], state: PageState, tools: Tools, clock: StageClock) -> Page:
    """Run all stages over one page.

    Raises:
        DeadlineExceededError: The request's time ran out; no stage begins after that.
        RequestCancelledError: The request was cancelled; likewise.
    """
    for stage in stages:
        if stage.applies(state, tools):
            with clock(stage.name):
                stage.run(state, tools)
    return state.page()


def models_of(stages: Sequence[Stage]) -> tuple[ModelUse[Any], ...]:
    """Return every model that the stages declare, once, in their order."""
    uses: dict[str, ModelUse[Any]] = {}
    for stage in stages:
        for use in stage.models:
            if uses.setdefault(use.role, use) is not use:
                raise ValueError(f"two models have the role {use.role!r}")
    return tuple(uses.values())
