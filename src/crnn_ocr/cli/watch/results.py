"""Chooses the names of results, such that no result is lost to another one, and writes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

from crnn_ocr.cli.outputs import write_whole
from crnn_ocr.cli.watch.ledger import Conversion, Ledger, Original
from crnn_ocr.export.files import OutputFile


class Results:
    """The folder of the results."""

    def __init__(self, folder: Path, ledger: Ledger, *, originals_go: bool) -> None:
        """Set the folder.

        Args:
            folder: The folder.
            ledger: Remembers which results belong to which file.
            originals_go: Whether originals are moved or deleted. Then a new file with an old name is another
                document, whose results stand beside the old ones; otherwise it is a newer version of the
                document, whose results replace the old ones.
        """
        self._folder = folder
        self._ledger = ledger
        self._originals_go = originals_go

    def write(self, original: Original, files: Sequence[OutputFile]) -> Conversion:
        """Write the results of a file, each whole or not at all.

        Raises:
            OutputError: One cannot be written.
        """
        with self._ledger.appending():
            base = next(base for base in self._bases(original) if self._is_free(base, original, files))
            self._ledger.add_begun(original, base)
        targets = [self._target(base, file) for file in files]
        for target, file in zip(targets, files, strict=True):
            # What has been deleted must not come back as the only copy after a power failure.
            write_whole(target, file.content, durable=self._originals_go)
        return Conversion(base, tuple(target.relative_to(self._folder) for target in targets))

    def are_there(self, conversion: Conversion) -> bool:
        """Return whether all results of a conversion still exist."""
        return all((self._folder / path).exists() for path in conversion.results)

    def _bases(self, original: Original) -> Iterator[Path]:
        """Yield the paths without suffix that results may have, the best first.

        `scans/a.jpg` becomes `scans/a`; if that is `a.png`'s, `scans/a.jpg`; and then `scans/a (2)`.
        """
        stem = original.place.with_suffix("")
        yield stem
        owner = self._ledger.owner(stem)
        if owner is None or owner.place != original.place:
            yield original.place
        for number in count(2):
            yield stem.with_name(f"{stem.name} ({number})")

    def _is_free(self, base: Path, original: Original, files: Sequence[OutputFile]) -> bool:
        owner = self._ledger.owner(base)
        if owner == original:  # it was interrupted, or its results are wanted once more
            return True
        if owner is not None and not self._originals_go:
            return owner.place == original.place
        # Also what the watcher has not written is never replaced.
        unfinished = owner is not None and self._ledger.is_begun(owner)
        return not unfinished and not any(self._target(base, file).exists() for file in files)

    def _target(self, base: Path, file: OutputFile) -> Path:
        return self._folder / base.with_name(base.name + file.suffix)
