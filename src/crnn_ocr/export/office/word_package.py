"""Set what a whole Word file has: fonts for Chinese, languages, page size, dates that never change."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from typing import Any

import docx
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm

#: Fonts of Chinese characters, which Windows and macOS with Office have, and others replace: for text and
#: for headings.
_TEXT_FONT, _HEADING_FONT = "SimSun", "SimHei"
_LATIN_FONT = "Times New Roman"
_CREATED = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
#: The earliest date that a ZIP archive can hold.
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)
#: A4 and its margins in millimetres.
_SHORT, _LONG, _MARGIN = 210, 297, 25.4


def new_file(title: str, *, landscape: bool) -> Any:
    """Return an empty Word document.

    Args:
        title: Its title; may be empty.
        landscape: Whether its pages are wider than high.
    """
    file = docx.Document()
    properties = file.core_properties
    properties.author, properties.comments, properties.title = "", "", title[:255]
    properties.created = properties.modified = _CREATED
    section = file.sections[0]
    width, height = (_LONG, _SHORT) if landscape else (_SHORT, _LONG)
    section.page_width, section.page_height = Mm(width), Mm(height)
    section.orientation = (
        docx.enum.section.WD_ORIENT.LANDSCAPE if landscape else (docx.enum.section.WD_ORIENT.PORTRAIT)
    )
    section.left_margin = section.right_margin = section.top_margin = section.bottom_margin = Mm(_MARGIN)
    _set_fonts(file)
    return file


def text_width(file: Any) -> int:
    """Return the width between the margins in English Metric Units (914,400 per inch)."""
    section = file.sections[0]
    return int(section.page_width - section.left_margin - section.right_margin)


def content_of(file: Any) -> bytes:
    """Return the file; the same bytes for the same content."""
    made, written = io.BytesIO(), io.BytesIO()
    file.save(made)
    with zipfile.ZipFile(made) as source, zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.infolist():
            # python-docx writes the time of day next to every part.
            target.writestr(
                zipfile.ZipInfo(entry.filename, _ZIP_DATE), source.read(entry), zipfile.ZIP_DEFLATED
            )
    return written.getvalue()


def _set_fonts(file: Any) -> None:
    styles = file.styles.element
    for fonts in styles.iter(qn("w:rFonts")):
        style = next(iter(fonts.iterancestors(qn("w:style"))), None)
        name = "" if style is None else style.get(qn("w:styleId"), "")
        for theme in ("w:eastAsiaTheme", "w:asciiTheme", "w:hAnsiTheme"):
            fonts.attrib.pop(qn(theme), None)
        heading = name.startswith(("Heading", "Title"))
        fonts.set(qn("w:eastAsia"), _HEADING_FONT if heading else _TEXT_FONT)
        for latin in ("w:ascii", "w:hAnsi"):
            if fonts.get(qn(latin)) is None:
                fonts.set(qn(latin), _LATIN_FONT)
    for language in styles.iter(qn("w:lang")):
        language.set(qn("w:val"), "en-US")
        language.set(qn("w:eastAsia"), "zh-CN")


def element(tag: str, **values: object) -> Any:
    """Return an element of WordprocessingML, such as `element("w:gridSpan", val=2)`."""
    made = OxmlElement(tag)
    for name, value in values.items():
        made.set(qn(f"w:{name}"), str(value))
    return made
