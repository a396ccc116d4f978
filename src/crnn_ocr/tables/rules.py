"""Finds the straight rules of a page: drawn lines, dotted lines, and the edges of coloured bands.

A drawn line and the edge of a band have one thing in common: along them, the brightness changes across the
direction in one sense, over a length that no stroke of a letter has. So a rule is searched as a long run of
such a change, once darker to brighter and once brighter to darker; the two sides of a drawn line are joined.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from crnn_ocr.pixels import Pixels
from crnn_ocr.tables.grid import Box

#: Least change of brightness, of 255, across a rule; light grey rules and pastel bands on white have more.
_CHANGE = 9
#: Pixels along a rule over which brightness is averaged, against noise.
_AVERAGED = 5
#: Least darkness against its surroundings of the dots of a dotted rule, of 255.
_DOT_CONTRAST = 25
#: Greatest thickness of a rule in heights of text: its two sides are joined.
_THICK = 0.4
#: Share of a rule that may run through texts. A true rule touches the box of a text at most.
_IN_TEXTS = 0.4
#: Share of the lesser side of a text at its edges where a rule may run: boxes of texts have a margin.
_EDGE = 0.35
#: Pairs of a rule and a text that are compared at once, which bounds the memory for thousands of lines.
_AT_ONCE = 400_000


@dataclass(frozen=True, slots=True)
class Rule:
    """A straight rule along one direction.

    Attributes:
        at: Its position across the direction: y of a horizontal rule, x of a vertical one.
        start: Where it begins along the direction.
        end: Where it ends.
    """

    at: float
    start: float
    end: float

    @property
    def length(self) -> float:
        """Its length in pixels."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of a page or of a part of it, sorted by position."""

    horizontal: tuple[Rule, ...]
    vertical: tuple[Rule, ...]


def find_rules(image: Pixels, height: float, texts: Sequence[Box] = ()) -> Rules:
    """Find the rules of an upright picture.

    Args:
        image: (H, W) grey or (H, W, 3) BGR.
        height: Typical height of a line of text in pixels; shorter runs than this are taken for strokes.
        texts: Where lines of text are, without margins. What lies within one of them is a stroke of a letter,
            a row of dots that leads to a figure, or the line below a word.
    """
    boxes = np.array(texts, np.float64).reshape(-1, 4)
    # Of three channels the darkest shows coloured bands on white best: yellow has no blue.
    grey = image if image.ndim == 2 else cv2.min(cv2.min(image[..., 0], image[..., 1]), image[..., 2])
    grey = np.ascontiguousarray(grey, np.uint8)
    horizontal = _along_rows(grey, boxes, long=max(20, round(2.0 * height)), height=height)
    # Vertical rules between two rows of a table are as short as the row is high.
    turned = np.ascontiguousarray(grey.T, np.uint8)
    vertical = _along_rows(
        turned, boxes[:, [1, 0, 3, 2]], long=max(14, round(1.5 * height) + 2), height=height
    )
    return Rules(tuple(horizontal), tuple(vertical))


def _along_rows(grey: Pixels, texts: NDArray[np.float64], *, long: int, height: float) -> list[Rule]:
    """Find the horizontal rules of a grey picture that are at least `long` pixels long."""
    if grey.shape[0] < 4 or grey.shape[1] < long:
        return []
    averaged = cv2.blur(grey, (_AVERAGED, 1), borderType=cv2.BORDER_REPLICATE)
    above, below = averaged[:-2], averaged[2:]
    run = cv2.getStructuringElement(cv2.MORPH_RECT, (long, 1))
    found: list[Rule] = []
    for change in (cv2.subtract(above, below), cv2.subtract(below, above)):
        steps = cv2.threshold(change, _CHANGE - 1, 255, cv2.THRESH_BINARY)[1]
        found += _segments(cv2.morphologyEx(steps, cv2.MORPH_OPEN, run), offset=1.5)
    found += _dotted(grey, long=max(60, 3 * long))
    found = _outside_texts(found, texts)
    found = joined(found, apart=max(3.0, _THICK * height), gap=max(4.0, 0.6 * height))
    return [rule for rule in found if _share_in_texts(rule, texts) <= _IN_TEXTS]


def _dotted(grey: Pixels, *, long: int) -> list[Rule]:
    """Find dotted and dashed lines: specks that are low, in a long straight row."""
    around = cv2.blur(grey, (1, 15), borderType=cv2.BORDER_REPLICATE)
    dark = cv2.threshold(cv2.subtract(around, grey), _DOT_CONTRAST, 255, cv2.THRESH_BINARY)[1]
    tall = cv2.morphologyEx(dark, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_RECT, (1, 5)))
    low = cv2.subtract(dark, cv2.dilate(tall, np.ones((3, 3), np.uint8)))
    filled = cv2.morphologyEx(low, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_RECT, (9, 1)))
    run = cv2.getStructuringElement(cv2.MORPH_RECT, (min(long, grey.shape[1]), 1))
    return _segments(cv2.morphologyEx(filled, cv2.MORPH_OPEN, run), offset=0.5)


def _outside_texts(rules: list[Rule], texts: NDArray[np.float64]) -> list[Rule]:
    """Return the rules that do not lie within a text; both are as seen along the rules."""
    if not rules or not len(texts):
        return rules
    step = max(1, _AT_ONCE // len(texts))
    if len(rules) > step:
        return [
            rule
            for start in range(0, len(rules), step)
            for rule in _outside_texts(rules[start : start + step], texts)
        ]
    at, start, end = np.array([(rule.at, rule.start, rule.end) for rule in rules]).T[:, :, None]
    left, top, right, bottom = texts.T
    slack = 0.4 * np.minimum(right - left, bottom - top)
    within = (left - slack < start) & (end < right + slack)
    # Just above and below a text, strokes are shorter than it is; the rule of a head is not.
    short = end - start < 0.9 * (right - left)
    margin = np.where(short, 0.2 * np.minimum(right - left, bottom - top), 0.0)
    inside = within & (top - margin < at) & (at < bottom + margin)
    return [rule for rule, within in zip(rules, inside.any(axis=1), strict=True) if not within]


def _share_in_texts(rule: Rule, texts: NDArray[np.float64]) -> float:
    """Return the share of a rule that runs through texts: strokes of letters that stand in a stack."""
    left, top, right, bottom = texts.T
    margin = _EDGE * np.minimum(right - left, bottom - top)
    hit = (top + margin < rule.at) & (rule.at < bottom - margin)
    inside = np.minimum(right, rule.end) - np.maximum(left, rule.start)
    return float(inside[hit & (inside > 0)].sum()) / max(1.0, rule.length)


def _segments(mask: MatLike, *, offset: float) -> list[Rule]:
    """Return the connected parts of a mask as rules; what is as high as a quarter of its length is none."""
    # Outlines, for most of the mask is empty: labelled components took half as long again for a whole page.
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    rules = []
    for contour in contours:
        left, top, width, height = cv2.boundingRect(contour)
        if height * 4 <= width:
            rules.append(Rule(top + (height - 1) / 2 + offset, float(left), float(left + width)))
    return rules


def joined(rules: Sequence[Rule], *, apart: float, gap: float) -> list[Rule]:
    """Join rules that lie side by side or follow one another.

    Args:
        rules: Rules of one direction.
        apart: Greatest distance across the direction.
        gap: Greatest gap along the direction.
    """
    levels: list[list[Rule]] = []
    for rule in sorted(rules, key=lambda rule: (rule.at, rule.start, rule.end)):
        if levels and rule.at - levels[-1][0].at <= apart:
            levels[-1].append(rule)
        else:
            levels.append([rule])
    result = []
    for level in levels:
        groups: list[list[Rule]] = []
        end = -np.inf
        for rule in sorted(level, key=lambda rule: (rule.start, rule.end, rule.at)):
            if groups and rule.start - end <= gap:
                groups[-1].append(rule)
                end = max(end, rule.end)
            else:
                groups.append([rule])
                end = rule.end
        for group in groups:
            weight = sum(rule.length for rule in group)
            at = sum(rule.at * rule.length for rule in group) / max(weight, 1e-9)
            result.append(Rule(at, min(r.start for r in group), max(r.end for r in group)))
    return sorted(result, key=lambda rule: (rule.at, rule.start, rule.end))
