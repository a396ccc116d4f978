"""Recognise what a line begins with: list markers, numbers of headings, captions, page numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass

_HAN_NUMBER = "[一二三四五六七八九十百零〇]{1,4}"
#: Bullets. A dash or an asterisk is one only before white space, and · only before anything but a blank word.
_BULLET = re.compile(r"[•●○◦▪▫■□◆◇▶►➢➤✓✔☐☑★☆∙・·](?=\s*\S)|[-–—*](?=\s+\S)")
#: A page number between dots at the head of a line.
_BULLET_AS_FRAME = re.compile(r"[•·∙・.]\s*\d{1,4}\s*[•·∙・.]")
#: Numbers and letters of list items by style; the style tells levels apart.
_ITEM_STYLES = (
    ("circled", re.compile(r"[①-⑳⓪❶-❿⑴-⒇⒈-⒛]")),
    ("han in brackets", re.compile(rf"[（(]\s*{_HAN_NUMBER}\s*[）)]")),
    ("number in brackets", re.compile(r"[（(]\s*\d{1,3}\s*[）)]")),
    ("letter in brackets", re.compile(r"[（(]\s*(?:[a-zA-Z]|[ivx]{1,5})\s*[）)]")),
    ("number and bracket", re.compile(r"\d{1,3}\s*[）)](?!\s*[）)])")),
    ("letter and bracket", re.compile(r"[a-zA-Z]\s*[）)](?=\s*\S)")),
    ("number and comma", re.compile(r"\d{1,3}、")),
    ("han and comma", re.compile(rf"{_HAN_NUMBER}、")),
    ("number and full stop", re.compile(r"\d{1,3}[.．](?=\s|[^\d\s.．%])")),
    ("letter and full stop", re.compile(r"(?:[a-z]|[A-Z])\.(?=\s+\S)")),
)
#: Numbers of headings, with their depth.
_CHAPTER = re.compile(
    rf"第\s*(?:{_HAN_NUMBER}|\d{{1,3}})\s*(?:([章篇编卷部]|部分|单元|讲|课)|([节]))(?![一-鿿]{{0,2}}[，。])"
    r"|(?i:chapter|part|appendix)\s+(?:\d{1,3}|[ivxlc]{1,6}|[a-z])\b",
)
_SECTION = re.compile(r"(?i:section)\s+\d{1,3}(?:\.\d{1,3})*\b|§\s*\d+")
_DECIMAL = re.compile(r"(\d{1,2}(?:[.．]\d{1,2}){1,4})[.．]?(?=\s|[^\d\s.．%,，:：/-])")
_FIRST_DECIMAL = re.compile(r"\d{1,2}[.．、]?\s+(?=[^\W\d_])|\d{1,2}[.．、](?=[^\W\d_])")
_ROMAN = re.compile(r"(?:[IVX]{1,5}|[A-Z])[.．]\s+(?=\S)")
_ANY_NAME = (
    r"(?:\d{1,3}|[A-Z]{1,2}\d{1,3}|[A-Z]\b|[IVX]{1,5})(?:[-–—.．]\d{1,3})*(?:[a-z]\b|\s*[(（][a-z][)）])?"
)
_CAPTION = re.compile(
    rf"(?P<zh>(?:续)?[图圖表]|附[图表]|图表|插图|照片)\s*(?:{_ANY_NAME}|{_HAN_NUMBER})(?P<zhsep>\s*[:：.．、|]|\s+|(?=[(（《“]))?"
    rf"|(?P<en>(?i:figure|fig|table|tab|chart|exhibit|plate|scheme|listing|photo|diagram|graph|illustration))[.]?\s*{_ANY_NAME}"
    r"(?P<ensep>\s*[:：.．|–—-]|(?=\s*$)|\s+(?=[A-Z(]))?"
)
_OF_TABLE = re.compile(r"\s*(?:续?表|附表|(?i:tab))")
_ROMAN_NUMBER = "(?=[ivxlc])c{0,3}(?:xc|xl|l?x{0,3})(?:ix|iv|v?i{0,3})"
_PAGE_NUMBER = re.compile(
    rf"[-–—·•~\s|.]*(?:(?P<number>\d{{1,4}})|{_ROMAN_NUMBER}|{_ROMAN_NUMBER.upper()})[-–—·•~\s|.]*"
    r"|第\s*(?P<zh>\d{1,4}|[一二三四五六七八九十百]{1,4})\s*[页頁](?:\s*[,，/]?\s*[共总]\s*\d{1,4}\s*[页頁])?"
    r"|[共总]\s*\d{1,4}\s*[页頁]\s*[,，/]?\s*第\s*(?P<after>\d{1,4})\s*[页頁]"
    r"|(?i:page|pg\.?|p\.)\s*(?P<en>\d{1,4})(?:\s*(?:of|/)\s*\d{1,4})?"
    r"|(?P<part>\d{1,4})\s*(?:/|of)\s*\d{1,4}"
)
_NOTE = re.compile(
    r"[*†‡§¶]{1,3}\s*(?=\S)|[①-⑳]|[\[［〔]\s*(?:\d{1,3}|注)\s*[\]］〕]|\d{1,2}(?=\s*[^\W\d_])|(?:注|备注|註)\s*\d{0,2}[:：]"
    r"|(?i:notes?|source|sources)\s*[:：]"
)


@dataclass(frozen=True, slots=True)
class Marker:
    """What stands before the text of a list item: its style, and where the text begins."""

    style: str
    end: int


def list_marker(text: str) -> Marker | None:
    """Return the marker at the beginning of a list item; None if there is none."""
    text = text.lstrip()
    found = _BULLET.match(text)
    if found and not _BULLET_AS_FRAME.match(text):
        return Marker(f"bullet {found[0]}", found.end())
    for style, pattern in _ITEM_STYLES:
        found = pattern.match(text)
        if found and text[found.end() :].strip():
            return Marker(style, found.end())
    return None


def is_bullet(marker: Marker) -> bool:
    """Return whether a marker is a sign that says nothing but that an item begins."""
    return marker.style.startswith("bullet") and marker.style[-1] not in "-–—*"


def heading_depth(text: str) -> int | None:
    """Return how deep the number before a heading's text says that it is, from 1; None without a number."""
    text = text.lstrip()
    if found := _CHAPTER.match(text):
        return 2 if found[2] else 1
    if found := _SECTION.match(text):
        return 1 + found[0].count(".")
    if found := _DECIMAL.match(text):
        return 1 + len(re.findall(r"[.．]", found[1]))
    if re.match(rf"{_HAN_NUMBER}、", text):
        return 1
    if re.match(rf"[（(]{_HAN_NUMBER}[）)]", text):
        return 2
    if _FIRST_DECIMAL.match(text) or _ROMAN.match(text):
        return 1
    return None


def is_chapter(text: str) -> bool:
    """Return whether a line begins with the name of a part of a book, such as 第一章 or Chapter 2."""
    return _CHAPTER.match(text.lstrip()) is not None


def numbering_style(text: str) -> str | None:
    """Return the kind of number before a heading's text; headings of one level have the same kind."""
    text = text.lstrip()
    depth = heading_depth(text)
    if depth is None:
        return None
    if found := _CHAPTER.match(text):
        return f"chapter {found[1] or found[2] or found[0].split()[0].lower()}"
    if re.match(r"\d", text):
        return f"decimal {depth}"
    marker = list_marker(text)
    return marker.style if marker else f"section {depth}"


@dataclass(frozen=True, slots=True)
class CaptionStart:
    """The beginning of a caption.

    Attributes:
        of_table: Whether it says that it belongs to a table.
        apart: Whether a sign or white space divides it from what follows, as in captions and seldom in
            sentences.
    """

    of_table: bool
    apart: bool


def caption_start(text: str) -> CaptionStart | None:
    """Return how a caption begins; None if the text does not begin with the name of a figure or a table."""
    found = _CAPTION.match(text.strip())
    if found is None:
        return None
    rest = text.strip()[found.end() :]
    apart = found["zhsep"] is not None or found["ensep"] is not None or not rest
    return CaptionStart(_OF_TABLE.match(text) is not None, apart)


def page_number(text: str) -> int | None:
    """Return the number that a line says; 0 if it is Roman or Chinese; None if it is no page number."""
    found = _PAGE_NUMBER.fullmatch(text.strip())
    if found is None:
        return None
    digits = next((value for value in found.groupdict().values() if value and value.isdecimal()), None)
    return int(digits) if digits else 0


def frames_page_number(text: str) -> bool:
    """Return whether a line begins with a page number between dots, as running heads do."""
    return _BULLET_AS_FRAME.match(text.strip()) is not None


def is_plain_number(text: str) -> bool:
    """Return whether a page number lacks any word or sign that makes it one, such as 第 3 页 or - 3 -."""
    return re.fullmatch(r"\W?(?:\d{1,4}|[ivxlcIVXLC]{1,7})\W?", text.strip()) is not None


def note_marker(text: str) -> bool:
    """Return whether a line begins like a footnote."""
    return _NOTE.match(text.lstrip()) is not None
