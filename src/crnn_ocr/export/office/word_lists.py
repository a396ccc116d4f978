"""Write list items with Word's own bullets and numbers, so that they count on when somebody edits them."""

from __future__ import annotations

from typing import Any

from docx.oxml.ns import qn

from crnn_ocr.export.office.word_package import element

#: Depths for which Word has list styles.
_MOST_DEPTH = 3
#: Indent of each depth, and of the text behind its number, in twentieths of a point.
_INDENT = 360
#: Greatest number of an item that Word counts to (ECMA-376, part 1, 17.9.25 allows more than Word does).
_MOST_NUMBER = 32_767


class Lists:
    """The numbered lists of one file.

    A list goes on as long as the numbers do; a number out of turn starts a new one there, so that every item
    shows the number that was printed.
    """

    def __init__(self, file: Any) -> None:
        """Prepare for a file without lists."""
        self._numbering = file.part.numbering_part.element
        self._abstract: dict[str, int] = {}
        ids = (int(each.get(qn("w:numId"))) for each in self._numbering.iterchildren(qn("w:num")))
        self._last_id = max(ids, default=0)
        # The list that is open at each depth: its id, sign and last number.
        self._open: dict[int, tuple[int, str, int]] = {}

    def close(self) -> None:
        """End all lists; the next item starts a new one."""
        self._open.clear()

    def mark(self, paragraph: Any, depth: int, number: str, sign: str) -> str:
        """Turn a paragraph into a list item.

        Args:
            paragraph: The paragraph.
            depth: Depth of the item, from 1.
            number: Its printed number; empty if there is none.
            sign: The sign behind the number, or the bullet; empty if there is no marker.

        Returns:
            What must be written before the text because Word does not write it.
        """
        depth = min(depth, _MOST_DEPTH)
        suffix = "" if depth == 1 else str(depth)
        self._open = {at: entry for at, entry in self._open.items() if at <= depth}
        if not sign or (
            number and (len(number) > 5 or int(number) > _MOST_NUMBER or number != str(int(number)))
        ):
            paragraph._p.style = f"List{suffix}"
            self._open.pop(depth, None)
            return f"{number}{sign} " if sign else ""
        if not number:
            paragraph._p.style = f"ListBullet{suffix}"
            self._open.pop(depth, None)
            return ""
        paragraph._p.style = f"ListNumber{suffix}"
        current = self._open.get(depth)
        if current is None or current[1:] != (sign, int(number) - 1):
            current = (self._start(depth, sign, int(number)), sign, 0)
        self._open[depth] = (current[0], sign, int(number))
        properties = paragraph._p.get_or_add_pPr()
        numbers = properties.get_or_add_numPr()
        numbers.get_or_add_ilvl().val = depth - 1
        numbers.get_or_add_numId().val = current[0]
        return ""

    def _start(self, depth: int, sign: str, number: int) -> int:
        """Add a list that starts with a number at a depth, and return its id."""
        if sign not in self._abstract:
            self._abstract[sign] = self._add_abstract(sign)
        self._last_id += 1  # counted here: looking for it among the lists takes the square of their number
        made = element("w:num", numId=self._last_id)
        made.append(element("w:abstractNumId", val=self._abstract[sign]))
        override = element("w:lvlOverride", ilvl=depth - 1)
        override.append(element("w:startOverride", val=number))
        made.append(override)
        self._numbering.append(made)
        return self._last_id

    def _add_abstract(self, sign: str) -> int:
        """Add a kind of list whose numbers have a sign behind them, and return its id."""
        kinds = [*self._numbering.iterchildren(qn("w:abstractNum"))]
        name = max((int(each.get(qn("w:abstractNumId"))) for each in kinds), default=-1) + 1
        made = element("w:abstractNum", abstractNumId=name)
        made.append(element("w:multiLevelType", val="multilevel"))
        for level in range(_MOST_DEPTH):
            entry = element("w:lvl", ilvl=level)
            entry.append(element("w:start", val=1))
            entry.append(element("w:numFmt", val="decimal"))
            entry.append(element("w:lvlText", val=f"%{level + 1}{sign}"))
            entry.append(element("w:lvlJc", val="left"))
            place = element("w:pPr")
            place.append(element("w:ind", left=_INDENT * (level + 1), hanging=_INDENT))
            entry.append(place)
            made.append(entry)
        # All kinds come before all lists (ECMA-376, part 1, 17.9.16).
        if kinds:
            kinds[-1].addnext(made)
        else:
            self._numbering.insert(0, made)
        return name
