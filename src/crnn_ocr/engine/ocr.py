"""Provides `OCR`, the entry point for programs: it takes a picture or document and returns a Document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from typing import Any, Literal

from crnn_ocr.document import Document, Page
from crnn_ocr.engine.kinds import RECOGNIZER
from crnn_ocr.engine.leases import LeasedModels, packs_to_use
from crnn_ocr.engine.model_manager import ModelManager, Switch
from crnn_ocr.engine.page_reader import PICTURE_BYTES, PageReader
from crnn_ocr.engine.page_readings import PageReading, PageReadings
from crnn_ocr.engine.page_stages import RECOGNITION, STAGES
from crnn_ocr.engine.stage import Stage, Tools, models_of
from crnn_ocr.engine.text_pages import (
    Survey,
    pages_without_pictures,
    survey,
)
from crnn_ocr.imaging.limits import Limits
from crnn_ocr.imaging.opened import Admit, OpenedDocument, Source, open_document
from crnn_ocr.imaging.page_source import Wanted
from crnn_ocr.layout.blocks.whole_document import refine_pages
from crnn_ocr.models.fingerprint import TEXT_LAYER, Fingerprint, Fingerprints, marks
from crnn_ocr.models.listing import ModelList
from crnn_ocr.models.registry import Registry
from crnn_ocr.options import ReadOptions, parse_options
from crnn_ocr.recognition.text import replacement_table
from crnn_ocr.recognition.text.replacements import Replacements
from crnn_ocr.runtime.cores import available_cores
from crnn_ocr.scheduling.budget import Budget
from crnn_ocr.scheduling.scheduler import Scheduler, SchedulerStats
from crnn_ocr.scheduling.stage_clock import StageClock
from crnn_ocr.scheduling.ticket import Ticket
from crnn_ocr.settings import Settings, load_settings


class OCR:
    """Reader of pictures and documents.

    Making one is cheap: models are loaded on first use, and only once, even if several threads need them at
    the same time. One object serves all threads of a process. The same input with the same options gives the
    same Document, whatever else is being read.

        >>> from crnn_ocr import OCR
        >>> doc = OCR().read("invoice.jpg")  # doctest: +SKIP
        >>> doc.pages[0].lines[0].text  # doctest: +SKIP
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        model: str | None = None,
        active: Mapping[str, str] | None = None,
        threads: int | None = None,
        stages: Sequence[Stage] = STAGES,
    ) -> None:
        """Prepare for reading; nothing is loaded yet.

        Args:
            settings: The settings; read from the environment when None.
            model: Name of the default recogniser pack, instead of the settings'.
            active: Names of the default packs of any kinds, by kind, instead of the settings'.
            threads: Number of cores to use, instead of the settings'.
            stages: The stages that every page passes, in this order.

        Raises:
            SettingsError: A setting in the environment or a row in the table of replacements is wrong.
            ModelNotFoundError: There is no such pack.
            ModelBrokenError: The manifest of the pack is invalid.
            ValueError: `threads` is below 1.
        """
        self._settings = load_settings() if settings is None else settings
        if threads is not None and threads < 1:
            raise ValueError(f"cannot read on {threads} threads")
        self._threads = threads or self._settings.threads or available_cores()
        self._stages = tuple(stages)
        self._uses = models_of(self._stages)
        self._models = ModelManager(
            self._settings,
            Registry(self._settings.models_dir),
            {**(active or {}), **({RECOGNIZER.name: model} if model else {})},
            threads=self._threads,
            kinds=tuple(dict.fromkeys(use.kind for use in self._uses)),
        )
        path = self._settings.replacements
        table = {} if path is None else replacement_table.load(path)
        self._replacements = Replacements(table)
        self._fingerprints = Fingerprints(
            partial(packs_to_use, self._models, self._uses), self._settings, table
        )
        pixels = Budget(PICTURE_BYTES)
        self._scheduler = Scheduler(self._threads, contended=pixels.contended)
        self._pages = PageReader(self._stages, self._scheduler, pixels)

    @property
    def model(self) -> str:
        """Name and version of the active recogniser, which is used when the options name none."""
        return self._models.active.id

    @property
    def ready(self) -> bool:
        """Whether the models are loaded and have passed their self-check."""
        return self._models.ready

    @property
    def problem(self) -> str | None:
        """Why the models cannot be loaded; None if no reason is known."""
        return self._models.problem

    @property
    def loaded(self) -> tuple[str, ...]:
        """Names of the packs that are in memory."""
        return self._models.loaded

    def fingerprint(self, options: ReadOptions) -> Fingerprint:
        """Return the fingerprint of everything but the picture that decides a reading; this loads nothing.

        Raises:
            ModelNotFoundError: There is no such pack.
            ModelBrokenError: The manifest of a pack is invalid.
        """
        return self._fingerprints.of(options)

    def warm_up(self) -> None:
        """Load the default models now.

        Raises:
            ModelBrokenError: A pack differs from its manifest or fails its self-check.
        """
        self._models.warm_up()

    def models(self) -> ModelList:
        """Return the installed packs as they are on disk now."""
        return self._models.listing()

    def resolve(self, model: str) -> str:
        """Return the name of the pack with that name or alias.

        Raises:
            ModelNotFoundError: There is no such pack.
            ModelBrokenError: Its manifest is invalid.
        """
        return self._models.resolve(model)

    @property
    def active_packs(self) -> Mapping[str, str]:
        """Names of the packs that are used if the options name none, by kind."""
        return self._models.active_packs

    def kind_of(self, model: str) -> str:
        """Return the kind of the pack with that name or alias.

        Raises:
            ModelNotFoundError: There is no such pack.
            ModelBrokenError: Its manifest is invalid.
        """
        return self._models.kind_of(model)

    def prepare(self, model: str) -> Switch:
        """Load another model beside the active one of its kind, so that it can become active at once.

        Args:
            model: Name or alias of its pack.

        Returns:
            The switch that makes it the active one or unloads it; the caller must do one of the two.

        Raises:
            ModelNotFoundError: There is no such pack.
            ModelBrokenError: It differs from its manifest or fails its self-check.
        """
        return self._models.prepare(model)

    def use(self, model: str) -> str:
        """Make another model the active one of its kind; readings in progress go on with the old one.

        Args:
            model: Name or alias of its pack.

        Returns:
            Its name and version.

        Raises:
            ModelNotFoundError: There is no such pack.
            ModelBrokenError: It differs from its manifest or fails its self-check; the old one stays active.
        """
        switch = self.prepare(model)
        switch.commit()
        return switch.model

    @property
    def background_s(self) -> float:
        """CPU seconds that readings in the background have taken of the cores so far."""
        return self._scheduler.background_s

    def scheduler_stats(self) -> SchedulerStats:
        """Return how many cores are busy and how many tasks wait for one."""
        return self._scheduler.stats()

    def close(self) -> None:
        """Stop the threads and unload the models; the object cannot read any more."""
        self._scheduler.close()
        self._models.close()

    def __enter__(self) -> OCR:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(
        self,
        source: Source,
        options: ReadOptions | None = None,
        *,
        ticket: Ticket | None = None,
        admit: Admit | None = None,
        **values: Any,
    ) -> Document:
        """Read a picture or document.

        Args:
            source: Path, bytes or binary file of a JPG, PNG, BMP, GIF, TIFF, WebP or PDF, or of a ZIP archive
                of them; a Pillow image; or a uint8 array, (H, W) grey or (H, W, 3) BGR.
            options: How to read; all defaults when None.
            ticket: Deadline and cancellation token of the reading; neither when None.
            admit: Returns a context that holds room for the work, or raises. It is called when the document's
                headers have been read, and before any of its pixels are decoded.
            **values: Single options by name, instead of `options`.

        Returns:
            The text and its positions; pages without text have no lines. A page that cannot be read has an
            `error`, unless it is the only one or all have failed.

        Raises:
            OcrError: The input cannot be read; code, message and hint say why and what to do.
            DeadlineExceededError: The ticket's time ran out.
            RequestCancelledError: The ticket was cancelled.
            OSError: The path cannot be opened.
            TypeError: The source is of another type.
            RuntimeError: The object has been closed.
        """
        if options is None:
            options = parse_options(values)
        elif values:
            raise TypeError("give either an options object or single options, not both")
        ticket = ticket or Ticket()
        clock = StageClock(ticket)
        limits = self._settings.limits
        wanted = Wanted(options.page_ranges, options.ocr, options.password)
        with ExitStack() as held:
            with clock("decode"):
                document = open_document(
                    source, limits, pdf_dpi=self._settings.pdf_dpi, ticket=ticket, wanted=wanted
                )
                held.enter_context(document)
                del source
                places = range(len(document.numbers))
                found = survey(document, places, options, limits, ticket)
            drawn = sorted(found.texts.keys() | found.reads) if options.layout == "blocks" else found.reads
            document.choose(drawn)
            if admit is not None:
                held.enter_context(admit(document))
            pages, models = self._read_chosen(document, places, drawn, found, options, ticket, clock, held)
            found.check_any(len(pages))
            ordered = tuple(pages[place] for place in sorted(pages))
            if options.layout == "blocks":
                with clock("layout"):
                    ordered = tuple(refine_pages(ordered))
            name = models(RECOGNITION).name if found.reads else TEXT_LAYER
            layout: Literal["lines", "blocks"] = "blocks" if options.layout == "blocks" else "lines"
            return Document(ordered, name, clock.milliseconds, marks(models.manifests), layout)

    def open_pages(
        self,
        source: Source,
        options: ReadOptions,
        *,
        ticket: Ticket,
        limits: Limits | None = None,
        background: bool = False,
    ) -> PageReadings:
        """Open a document whose pages are read one by one, as jobs do.

        What `page_readings.joined` makes of all of its pages is what `read` returns.

        Args:
            source: What to read, see `read`.
            options: How to read.
            ticket: Deadline and cancellation token of all that is done with the document.
            limits: The largest input that is accepted, instead of the settings'.
            background: Whether cores and memory go to other readings first.

        Returns:
            The opened document; the caller closes it.

        Raises:
            OcrError: The input cannot be read; code, message and hint say why and what to do.
            OSError: The path cannot be opened.
        """
        limits = limits or self._settings.limits
        wanted = Wanted(options.page_ranges, options.ocr, options.password)
        document = open_document(source, limits, pdf_dpi=self._settings.pdf_dpi, ticket=ticket, wanted=wanted)

        def read(place: int) -> PageReading:
            clock = StageClock(ticket)
            with clock("decode"):
                found = survey(document, (place,), options, limits, ticket)
            drawn = [place] if place in found.reads or (options.layout == "blocks" and found.texts) else []
            document.choose(drawn, once=False)
            with ExitStack() as held:
                pages, models = self._read_chosen(
                    document, (place,), drawn, found, options, ticket, clock, held, background=background
                )
                model = models(RECOGNITION).name if found.reads else None
                return PageReading(pages[place], model, marks(models.manifests), found.failed.get(place))

        return PageReadings(document, read)

    def _read_chosen(
        self,
        document: OpenedDocument,
        places: Sequence[int],
        drawn: Sequence[int],
        found: Survey,
        options: ReadOptions,
        ticket: Ticket,
        clock: StageClock,
        held: ExitStack,
        *,
        background: bool = False,
    ) -> tuple[dict[int, Page], LeasedModels]:
        """Read the pages at these places, which have been surveyed and chosen; `held` keeps the models."""
        models = LeasedModels(self._models, self._uses, options, ticket.remaining, reads=bool(found.reads))
        if drawn:
            held.enter_context(models)
        elif options.model is not None:
            packs_to_use(self._models, self._uses, options)  # an unknown model is an error in any case
        with clock("layout"):
            pages = pages_without_pictures(document, places, found, drawn, options)
        if drawn:
            work = held.enter_context(self._scheduler.admit(ticket, background=background))
            tools = Tools(models, self._replacements, work, options)
            alone = len(document.numbers) == 1
            read = self._pages.read(
                document, drawn, found, tools, ticket, clock, alone=alone, background=background
            )
            pages.update(read)
        return pages, models

    def hold(self, memory: int, ticket: Ticket) -> AbstractContextManager[None]:
        """Hold room for a picture that the caller itself decodes while the block runs, as `read` does.

        Args:
            memory: The bytes that it takes.
            ticket: The request's ticket; the wait for room ends when it becomes invalid.

        Raises:
            DeadlineExceededError: The ticket's time ran out.
            RequestCancelledError: The ticket was cancelled.
        """
        return self._pages.hold(memory, ticket)
