"""Map the class indices of a recogniser to characters (pure functions)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from crnn_ocr.errors import ModelBrokenError


@dataclass(frozen=True, slots=True)
class Charset:
    """A mapping from class indices to text.

    Attributes:
        symbols: One entry per class; the entry of the CTC blank is empty.
        blank: Index of the CTC blank.
    """

    symbols: tuple[str, ...]
    blank: int

    @classmethod
    def build(cls, characters: Iterable[str], *, blank: int, space: bool) -> Charset:
        """Build a charset from a pack's character list.

        Args:
            characters: The characters in the order of the classes, without the CTC blank.
            blank: Index at which the CTC blank is inserted.
            space: Whether the network has one more class, a space, behind the list.

        Raises:
            ModelBrokenError: The list is empty, or has an empty or repeated entry.
        """
        symbols = [*characters, " "] if space else list(characters)
        if not symbols or "" in symbols:
            raise ModelBrokenError("the character list is empty or has an empty row")
        if len(set(symbols)) != len(symbols):
            twice = next(symbol for symbol in symbols if symbols.count(symbol) > 1)
            raise ModelBrokenError(f"the character list names {twice!r} twice")
        if not 0 <= blank <= len(symbols):
            raise ModelBrokenError(f"blank index {blank} lies outside the {len(symbols)} classes")
        symbols.insert(blank, "")
        return cls(tuple(symbols), blank)

    def __len__(self) -> int:
        return len(self.symbols)

    def __getitem__(self, index: int) -> str:
        return self.symbols[index]


def is_han(text: str) -> bool:
    """Return whether a character is Han: in Unicode's CJK Unified Ideographs or their extension A."""
    return "\u3400" <= text <= "\u9fff"
