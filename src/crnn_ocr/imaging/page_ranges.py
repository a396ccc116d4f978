"""Choose pages by their numbers, as people write it in print dialogues: `1-3,7` or `5-`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from crnn_ocr.errors import InvalidOptionError

_PART = re.compile(r"(\d{1,9})(?:(-)(\d{1,9})?)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class PageRanges:
    """Numbers of the pages to read.

    Attributes:
        text: The ranges as they were written; empty for all pages.
        parts: First and last page of each range, from 1; a last page of None is the end of the file. No parts
            stand for all pages.
    """

    text: str = ""
    parts: tuple[tuple[int, int | None], ...] = ()

    @classmethod
    def parse(cls, text: str) -> PageRanges:
        """Return the ranges of a text such as "1-3,7" or "5-"; an empty one stands for all pages.

        Raises:
            ValueError: The text is malformed; the message names the part that is.
        """
        parts: list[tuple[int, int | None]] = []
        for part in text.split(",") if text.strip() else ():
            found = _PART.fullmatch("".join(part.split()))
            if found is None:
                raise ValueError(f"{part.strip()[:40]!r} is no page; write pages as 1-3,7 or 5-")
            first = int(found[1])
            last = first if found[2] is None else None if found[3] is None else int(found[3])
            if first < 1:
                raise ValueError(f"{part.strip()!r} begins before page 1")
            if last is not None and last < first:
                raise ValueError(f"{part.strip()!r} ends before it begins; write {last}-{first}")
            parts.append((first, last))
        return cls(text, tuple(parts))

    def __contains__(self, number: object) -> bool:
        """Return whether the page of that number, from 1, is to be read."""
        if not isinstance(number, int):
            return False
        if not self.parts:
            return True
        return any(first <= number and (last is None or number <= last) for first, last in self.parts)

    @property
    def last(self) -> int | None:
        """Number of the last page that may be read; None if it depends on the file."""
        ends = [last for _, last in self.parts]
        return None if not ends or None in ends else max(end for end in ends if end is not None)

    def of(self, count: int) -> tuple[int, ...]:
        """Return the numbers of the pages to read of a file with `count` pages, from 1, in rising order."""
        return tuple(self._numbers(count))

    def _numbers(self, count: int) -> Iterator[int]:
        if not self.parts:
            yield from range(1, count + 1)
            return
        done = 0
        for first, last in sorted(self.parts, key=lambda part: part[0]):
            for number in range(max(first, done + 1), min(count, count if last is None else last) + 1):
                yield number
                done = number

    def nothing_left(self, count: int) -> InvalidOptionError:
        """Return the error for a file with `count` pages, none of which is to be read."""
        pages = "1 page" if count == 1 else f"{count} pages"
        return InvalidOptionError(
            f"The file has no page {self.text[:40]}: it has {pages}.",
            hint="Pages are counted from 1; leave the option out to read all of them.",
        )


ALL_PAGES = PageRanges()
