"""Converts every new file of a folder once: one file after the other, and no bad file stops the others."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from crnn_ocr.cli.exit_codes import EXIT_FAILED, EXIT_OK
from crnn_ocr.cli.inputs import FileUnreadableError, Input, unreadable
from crnn_ocr.cli.outputs import OutputError
from crnn_ocr.cli.reading import Reading, bugs_as_errors, print_remarks
from crnn_ocr.cli.standard_streams import print_error, print_message
from crnn_ocr.cli.watch import originals
from crnn_ocr.cli.watch.folder import Settling, Signature, list_files, signature
from crnn_ocr.cli.watch.ledger import MOST_READINGS, Conversion, Ledger, Original, digest_of
from crnn_ocr.cli.watch.results import Results
from crnn_ocr.cli.watch.stop import Stop, Stopped
from crnn_ocr.cli.write_options import input_bytes, write_options
from crnn_ocr.errors import ImageKilledWorkerError, ModelBrokenError, OcrError, SettingsError
from crnn_ocr.export import FORMATS
from crnn_ocr.export.files import OutputFile, output_files
from crnn_ocr.imaging.natural_order import natural_key

_log = logging.getLogger(__name__)

#: Seconds after which a file is tried again that could not be opened, or whose results not be written.
RETRY_S = (60.0, 300.0, 1_800.0, 3_600.0)
#: Seconds in which nothing is converted after a result could not be written: with a full disk every file
#: would be read in vain.
PAUSE_S = 15.0
#: Seconds for which `--once` waits for files that are still being written.
GROWING_S = 60.0
#: The folder is listed for at most about this share of the time.
_LISTING_SHARE = 0.1

#: What became of a file. `later`: it is tried again in a while; `waiting`: it is being written, or another
#: watcher works on it.
Outcome = Literal["done", "known", "failed", "later", "waiting"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a watcher does.

    Attributes:
        folder: The watched folder.
        output: Folder of the results.
        formats: Names of the formats.
        recursive: Whether to watch subfolders.
        move: Folder to which converted originals are moved; None to leave them.
        delete: Whether converted originals are deleted.
        failed: Folder to which originals are moved that cannot be converted; None to leave them.
        without: Folders that are not watched though they are inside the watched one, links resolved.
        once: Whether to end when everything that is there has been dealt with.
        interval_s: Seconds between two looks at the folder.
        settle_s: Seconds without a change after which a file is complete.
    """

    folder: Path
    output: Path
    formats: Sequence[str]
    recursive: bool = False
    move: Path | None = None
    delete: bool = False
    failed: Path | None = None
    without: Sequence[Path] = ()
    once: bool = False
    interval_s: float = 2.0
    settle_s: float = 3.0

    @property
    def originals_go(self) -> bool:
        """Whether converted originals leave the watched folder."""
        return self.move is not None or self.delete


class Watcher:
    """A watcher of one folder.

    Attributes:
        converted: Number of files that have been converted.
        failures: Names of those that could not be.
    """

    def __init__(self, plan: Plan, reading: Reading, ledger: Ledger, stop: Stop) -> None:
        """Prepare; nothing is read yet."""
        self.converted = 0
        self.failures: list[str] = []
        self._plan = plan
        self._reading = reading
        self._ledger = ledger
        self._stop = stop
        self._results = Results(plan.output, ledger, originals_go=plan.originals_go)
        self._settling = Settling(plan.settle_s)
        self._settled: dict[Path, Signature] = {}
        self._retries: dict[Path, tuple[int, float]] = {}
        self._paused_until = 0.0
        self._reachable = True
        self._told_of_locks = False

    def run(self) -> int:
        """Watch until a signal comes, or with `once` until nothing is left to do; return the exit code.

        Raises:
            Stopped: A signal has come.
            OcrError: The model or a setting is broken, so that every file would fail; with `once` also
                `OutputError`, if a result cannot be written.
        """
        last_done = time.monotonic()
        while True:
            begun = time.monotonic()
            found = self._list()
            listed_s = time.monotonic() - begun
            if found is None and self._plan.once:
                return EXIT_FAILED
            done_before = self.converted + len(self.failures)
            waiting = [] if found is None else self._round(found)
            if self.converted + len(self.failures) > done_before:
                last_done = time.monotonic()
            if self._plan.once and (not waiting or time.monotonic() - last_done > GROWING_S):
                for entry in waiting:
                    self._fail(entry, FileUnreadableError("The file is still being written."))
                return EXIT_FAILED if self.failures else EXIT_OK
            self._stop.wait(max(self._plan.interval_s, listed_s / _LISTING_SHARE))

    def _list(self) -> dict[Path, Signature] | None:
        """Return the files that are there; None if the folder cannot be listed, as a network may be away."""
        try:
            found = list_files(self._plan.folder, recursive=self._plan.recursive, without=self._plan.without)
        except OSError as error:
            if self._reachable:
                print_error(str(self._plan.folder), unreadable(error))
            self._reachable = False
            return None
        if not self._reachable:
            print_message(f"crnn-ocr: {self._plan.folder}: it can be listed again.")
        self._reachable = True
        return found

    def _round(self, found: dict[Path, Signature]) -> list[Input]:
        """Convert the files that are new and complete; return those that have to be waited for."""
        self._settled = {place: at for place, at in self._settled.items() if found.get(place) == at}
        self._retries = {place: retry for place, retry in self._retries.items() if place in found}
        new = {place: at for place, at in found.items() if not self._is_dealt_with(place, at)}
        complete = set(self._settling.complete(new, time.monotonic()))
        waiting = []
        for place in sorted(new, key=lambda place: natural_key(str(place))):
            self._stop.check()
            entry = Input(str(self._plan.folder / place), self._plan.folder / place, place)
            outcome: Outcome = "waiting"
            if place in complete:
                outcome = self._take(entry, new[place]) if self._is_due(place) else "later"
            if outcome == "waiting":
                waiting.append(entry)
            elif outcome != "later":
                self._settled[place] = new[place]
        return waiting

    def _is_dealt_with(self, place: Path, at: Signature) -> bool:
        # A file that is to leave is looked at even if it is known: its watcher may have been killed before.
        known = not self._plan.originals_go and self._ledger.latest(place) == at
        return known or self._settled.get(place) == at

    def _is_due(self, place: Path) -> bool:
        now = time.monotonic()
        return now >= self._paused_until and now >= self._retries.get(place, (0, now))[1]

    def _take(self, entry: Input, at: Signature) -> Outcome:
        try:
            with self._ledger.claim(entry.place) as mine:
                self._tell_of_locks()
                return self._convert(entry, at) if mine else "waiting"
        except (OutputError, FileUnreadableError) as error:
            if self._plan.once:
                if isinstance(error, OutputError):
                    raise
                self._fail(entry, error)
                return "failed"
            print_error(entry.name, error)
            attempts, _ = self._retries.get(entry.place, (0, 0.0))
            wait = RETRY_S[min(attempts, len(RETRY_S) - 1)]
            self._retries[entry.place] = (attempts + 1, time.monotonic() + wait)
            if isinstance(error, OutputError):
                self._paused_until = time.monotonic() + PAUSE_S
            return "later"

    def _convert(self, entry: Input, at: Signature) -> Outcome:
        self._ledger.refresh()
        data = self._content(entry, at)
        if data is None:
            return "waiting"
        original = Original(entry.place, digest_of(data))
        known = self._ledger.done(original)
        if known is not None and (not self._plan.originals_go or self._results.are_there(known)):
            self._ledger.add_done(original, known, at)
            self._let_go(entry, known, at)
            return "known"
        if self._ledger.failed(original):  # another watcher has told it
            return "failed"
        try:
            files = self._read(entry, original, data)
        except (ModelBrokenError, SettingsError) as error:
            print_error(entry.name, error)
            raise
        except OcrError as error:
            self._ledger.add_failed(original, error)
            self._fail(entry, error)
            if self._plan.failed is not None and self._is_unchanged(entry, at):
                originals.move(self._plan.folder / entry.place, self._plan.failed, entry.place)
            return "failed"
        conversion = self._results.write(original, files)
        self._ledger.add_done(original, conversion, at)
        self.converted += 1
        if not self._reading.quiet:
            names = ", ".join(str(self._plan.output / path) for path in conversion.results)
            print_message(f"crnn-ocr: {entry.name} -> {names or 'no files'}")
        self._let_go(entry, conversion, at)
        return "done"

    def _content(self, entry: Input, at: Signature) -> bytes | None:
        """Return the content of a file; None if it has changed meanwhile, or has gone.

        Raises:
            FileUnreadableError: It cannot be opened.
        """
        if not self._is_unchanged(entry, at):
            return None
        try:
            data = input_bytes(entry, self._reading.settings)
        except FileUnreadableError:
            if self._is_unchanged(entry, at):
                raise
            return None
        return data if self._is_unchanged(entry, at) else None

    def _is_unchanged(self, entry: Input, at: Signature) -> bool:
        try:
            return signature(self._plan.folder / entry.place) == at
        except OSError:
            return False

    def _read(self, entry: Input, original: Original, data: bytes) -> list[OutputFile]:
        """Return the results of a file.

        Raises:
            OcrError: It cannot be read, or a format fails.
            Stopped: A signal has come.
        """
        if self._ledger.readings(original) >= MOST_READINGS:
            raise ImageKilledWorkerError(
                f"The program ended {MOST_READINGS} times while it read this file; it is not tried again.",
                hint="Scale the picture down, or save it in another format.",
            )
        self._ledger.add_reading(original)
        try:
            with self._stop.interruptible(), bugs_as_errors(entry.name, "writing", "A format"):
                document = self._reading.read(entry, data)
                with write_options(entry, data, self._reading.settings, self._reading.options) as how:
                    files = [
                        file
                        for name in self._plan.formats
                        for file in output_files(document, FORMATS[name], how)
                    ]
        except Stopped:
            self._ledger.add_interrupted(original)
            raise
        if not self._reading.quiet:
            print_remarks(entry.name, document)
        return files

    def _let_go(self, entry: Input, conversion: Conversion, at: Signature) -> None:
        """Move or delete the original of a conversion, if that is asked for and it has not changed.

        Raises:
            OutputError: That is not possible.
        """
        if not self._plan.originals_go or not self._is_unchanged(entry, at):
            return
        path, place = self._plan.folder / entry.place, entry.place
        if self._plan.move is None:
            originals.delete(path)
            return
        # Named as its results are, where another document has had its name before.
        name = conversion.base.name
        whole = name if name.endswith(place.suffix) else name + place.suffix
        originals.move(path, self._plan.move, place.with_name(whole))

    def _fail(self, entry: Input, error: OcrError) -> None:
        print_error(entry.name, error)
        self.failures.append(entry.name)

    def _tell_of_locks(self) -> None:
        if not self._ledger.has_locks and not self._told_of_locks:
            self._told_of_locks = True
            print_message(
                "crnn-ocr: the folder of the ledger is on a file system without locks: do not run a second "
                "watcher for it."
            )
