"""Reads the pages of opened documents one by one, and decides what the errors of a page cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from crnn_ocr.document import Page
from crnn_ocr.engine.stage import Stage, Tools, run_stages
from crnn_ocr.engine.text_pages import (
    PAGE_ERRORS,
    Survey,
    failed_page,
    page_despite,
    state_of,
    unexpected,
)
from crnn_ocr.errors import OcrError
from crnn_ocr.imaging.opened import OpenedDocument
from crnn_ocr.imaging.pdf.page_text import PageText
from crnn_ocr.pixels import Pixels
from crnn_ocr.runtime.memory import make_room
from crnn_ocr.scheduling.budget import Budget, Share
from crnn_ocr.scheduling.policy import Demand, counted
from crnn_ocr.scheduling.scheduler import Scheduler
from crnn_ocr.scheduling.stage_clock import StageClock
from crnn_ocr.scheduling.ticket import Ticket
from crnn_ocr.scheduling.work import Task, Work

#: Memory budget of the pictures in work, decoders included, in bytes: two photographs of 10 megapixels, or
#: ten pages at 1080p. A larger picture waits until only small ones are in work, and leaves less for tasks.
PICTURE_BYTES = 64 * 1024 * 1024
#: Seconds per byte of decoding a large picture; only the ratio to the cost of the networks' runs matters.
DECODING_SECONDS = 3e-9
#: Smaller pictures do not wait for the budget: the number of threads limits what they take together.
SMALL_PICTURE_BYTES = 2 * 1024 * 1024


class PageReader:
    """Draws pages and runs the stages over them. It is safe to use from several threads."""

    def __init__(self, stages: Sequence[Stage], scheduler: Scheduler, pixels: Budget) -> None:
        """Use the stages, the cores and the memory that all readings of a process share.

        Args:
            stages: The stages that every page passes, in this order.
            scheduler: Runs the tasks.
            pixels: Memory budget of the pictures in work, in bytes.
        """
        self._stages = tuple(stages)
        self._scheduler = scheduler
        self._pixels = pixels

    def read(
        self,
        document: OpenedDocument,
        places: Sequence[int],
        found: Survey,
        tools: Tools,
        ticket: Ticket,
        clock: StageClock,
        *,
        alone: bool = False,
        background: bool = False,
    ) -> Iterator[tuple[int, Page]]:
        """Draw and read pages; a page that cannot be read costs none of the others, nor its own text.

        Args:
            document: The opened document, which draws the pages at these places.
            places: The places.
            found: The texts of the pages, which are taken out; errors are added.
            tools: What the stages use.
            ticket: The ticket of the reading.
            clock: Measures the stages.
            alone: Whether an engine that fails at a page ends the reading.
            background: Whether the reading may be overtaken by all others that wait for memory.

        Yields:
            The place of a page, and the page.

        Raises:
            OcrError: An error that is not the page's own.
            Exception: The engine failed at a page that is read alone.
        """
        for place in places:
            text = found.texts.pop(place, None)
            try:
                page = self._read_page(document, place, text, tools, ticket, clock, background)
            except PAGE_ERRORS as error:
                page = page_despite(error, document, place, text, found, tools.options)
            except OcrError:
                raise
            except Exception as error:
                if alone:
                    raise
                found.failed[place] = unexpected(error)
                page = failed_page(document, place, found.failed[place])
            yield place, replace(page, number=document.numbers[place])

    def _read_page(
        self,
        document: OpenedDocument,
        place: int,
        text: PageText | None,
        tools: Tools,
        ticket: Ticket,
        clock: StageClock,
        background: bool,
    ) -> Page:
        """Draw the next page and read it, or look at it for the blocks of its text."""
        with self._room(document.room, ticket, clock, background=background) as share:
            with clock("decode"):
                image = _draw_page(document, tools.work)
            with self._scheduler.reserve(image.nbytes if image.nbytes > PICTURE_BYTES else 0):
                dpi = document.dpi(place)
                state = state_of(image, share, text, blocks=tools.options.layout == "blocks")
                del image  # no second reference may keep a large picture after a stage replaced it
                return replace(run_stages(self._stages, state, tools, clock), dpi=dpi)

    @contextmanager
    def hold(self, memory: int, ticket: Ticket) -> Iterator[None]:
        """Hold room for a picture that the caller itself decodes, see `OCR.hold`."""
        beyond = memory if memory > PICTURE_BYTES else 0
        with self._room(memory, ticket, StageClock(ticket)), self._scheduler.reserve(beyond):
            yield

    @contextmanager
    def _room(
        self, amount: int, ticket: Ticket, clock: StageClock, *, background: bool = False
    ) -> Iterator[Share | None]:
        """Hold that many bytes of the pictures' memory budget; yield None for a small picture."""
        if amount < SMALL_PICTURE_BYTES:
            yield None
            return
        with ExitStack() as held:
            with clock("queue"):
                share = held.enter_context(self._pixels.take(amount, ticket, background=background))
            make_room(amount)
            yield share


def _draw_page(document: OpenedDocument, work: Work) -> Pixels:
    """Return the picture of the next page.

    A large page is decoded in a task, because that takes as much memory as a run of a network.
    """
    memory = counted(document.room)
    if not memory:
        return document.draw_next()
    task = Task(Demand(DECODING_SECONDS * memory, memory), lambda _cores: document.draw_next())
    (outcome,) = work.run([task])
    return outcome.get()
