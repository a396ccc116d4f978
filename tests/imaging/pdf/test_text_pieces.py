"""Parts of lines give the same lines as if each were compared with all others, at a bounded effort."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from crnn_ocr.errors import RequestCancelledError
from crnn_ocr.imaging.pdf import text_layer
from crnn_ocr.imaging.pdf.text_layer import page_text
from crnn_ocr.imaging.pdf.text_lines import Glyphs, lines_of
from crnn_ocr.imaging.pdf.text_pieces import (
    MOST_COMPARED,
    MOST_PIECES,
    CrowdedPageError,
    Effort,
    Piece,
    joined,
    without_second_prints,
)
from crnn_ocr.scheduling.ticket import Ticket
from tests.imaging.pdf import made, quadratic

texts = st.sampled_from(["a", "a", "字", "文", "of", "ab c", "1.5"])
#: Few places and sizes, so that parts meet, touch and cover one another; some far away or without height.
steps = st.integers(0, 24).map(lambda value: value * 1.5)
anywhere = steps | st.floats(0, 60) | st.sampled_from([-1e6, 1e6, 1e6 + 0.5, 0.1 + 0.2])
sizes = st.sampled_from([0.0, 1e-9, 0.5, 3.0, 4.0, 8.0, 15.9, 16.0, 500.0])
lengths = st.sampled_from([0.0, 1.0, 1.5, 3.0, 6.0, 30.0])


@st.composite
def pieces_of(draw: st.DrawFn) -> list[Piece]:
    found: list[Piece] = []
    for _ in range(draw(st.integers(0, 25))):
        text, left, top, high, wide = draw(st.tuples(texts, anywhere, anywhere, sizes, lengths))
        if found and draw(st.integers(0, 3)) == 0:  # a second print, or nearly one
            first = draw(st.sampled_from(found))
            shift = draw(st.sampled_from([0.0, 0.1, 0.7, 1.19, 1.2, 1.21, 3.6])) * draw(
                st.sampled_from([-1, 1])
            )
            left, top, right, bottom = (value + shift for value in first.box)
            band = (first.band[0], first.band[0] + draw(sizes)) if draw(st.booleans()) else first.band
            found.append(Piece(first.text, first.edges + shift, (left, top, right, bottom), band))
            continue
        cuts = np.linspace(left, left + wide, len(text) + 1)
        box = left, top + draw(st.sampled_from([0.0, 0.2, -0.2])) * high, left + wide, top + 0.8 * high
        edges = np.stack([cuts[:-1], cuts[1:]], axis=1)
        found.append(Piece(text, edges, box, (top, top + high), column=draw(st.integers(0, 9)) == 0))
    return found


def described(pieces: list[Piece]) -> list[object]:
    return [(piece.text, piece.edges.tolist(), piece.box, piece.band, piece.column) for piece in pieces]


@settings(max_examples=500)
@given(pieces_of())
def test_lines_are_the_same_as_if_each_part_were_compared_with_all_others(pieces: list[Piece]) -> None:
    kept = without_second_prints(pieces, Effort())
    assert described(kept) == described(quadratic.without_second_prints(pieces))
    assert described(joined(kept, Effort())) == described(quadratic.joined(kept))


def glyphs(codes: NDArray[Any], left: NDArray[Any], top: NDArray[Any], size: float = 10.0) -> Glyphs:
    boxes = np.stack([left, top, left + 0.6 * size, top + size], axis=1).astype(np.float64)
    blank = np.zeros(len(codes), bool)
    return Glyphs(codes.astype(np.uint32), boxes, boxes, blank, blank)


def compared(count: int, kind: str) -> int:
    """Return the comparisons for so many characters, each a part of a line."""
    rng = np.random.default_rng(5)
    same, places = np.full(count, ord("a")), np.arange(count)
    if kind == "a grid of one character":
        across, down = places % 60, places // 60
        order = rng.permutation(count)
        page = glyphs(same, 40.0 * across[order], 30.0 * down[order])
    elif kind == "one row":
        order = rng.permutation(count)
        page = glyphs(0x4E00 + places % 20_000, 40.0 * order, np.zeros(count))
    elif kind == "one character at random places":
        side = 20 * np.sqrt(count)
        page = glyphs(same, rng.uniform(0, side, count), rng.uniform(0, side, count))
    else:  # one character printed again and again at the same two places
        page = glyphs(same, 500.0 * (places % 2), np.zeros(count))
    effort = Effort()
    lines_of(page, effort)
    return effort.compared


@pytest.mark.parametrize(
    "kind", ["a grid of one character", "one row", "one character at random places", "two places"]
)
def test_four_times_the_parts_take_four_times_the_comparisons(kind: str) -> None:
    few, many = compared(1_000, kind), compared(4_000, kind)
    assert many < 6 * few
    assert many < 10 * 4_000


def test_pages_with_too_many_parts_are_given_up() -> None:
    places = np.arange(MOST_PIECES + 1)
    page = glyphs(0x4E00 + places % 20_000, 40.0 * (places % 100), 30.0 * (places // 100))
    with pytest.raises(CrowdedPageError):
        lines_of(page)
    assert len(lines_of(page[:-1])) == MOST_PIECES


def test_piles_of_parts_are_given_up() -> None:
    """Nothing tells characters apart that are all at one place."""
    count = 4_000
    page = glyphs(0x4E00 + np.arange(count), 500.0 * (np.arange(count) % 2), np.zeros(count))
    effort = Effort()
    with pytest.raises(CrowdedPageError):
        lines_of(page, effort)
    assert effort.compared <= MOST_COMPARED + 1


def test_a_cancelled_request_ends_in_the_middle_of_a_page() -> None:
    ticket = Ticket()
    places = np.arange(20_000)
    page = glyphs(0x4E00 + places, 40.0 * (places % 100), 30.0 * (places // 100))
    lines_of(page, Effort(ticket.check))
    ticket.cancel()
    with pytest.raises(RequestCancelledError):
        lines_of(page, Effort(ticket.check))


@pytest.mark.parametrize("use", ["auto", "never"])
def test_the_effort_of_all_directions_counts_together(use: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that is given up has no usable text, and is read as a picture."""
    count = 12
    places = np.arange(count)
    loose = np.stack([30 * places, 50 + 0 * places, 30 * places + 8, 40 + 0 * places], axis=1)
    tight = loose[:, [0, 2, 3, 1]]
    angles = np.array([0, 1.5707963] * (count // 2), np.float32)
    raw = b"".join(
        part.tobytes()
        for part in (
            np.arange(count, dtype=np.uint32) + ord("a"),
            loose.astype(np.float32),
            tight.astype(np.float64),
            np.arange(count, dtype=np.uint32),
            angles,
            np.zeros(count, np.uint8),
        )
    )
    found = {
        "chars": count, "runs": count, "unmapped": 0.0, "pictures": [],
        "matrix": [1 / 400, 0.0, 0.0, -1 / 300, 0.0, 1.0],
    }  # fmt: skip
    text = page_text(found, raw, (400, 300), 72.0, use)  # type: ignore[arg-type]
    assert text is not None
    assert len(text.lines) == count
    monkeypatch.setattr("crnn_ocr.imaging.pdf.text_pieces.MOST_PIECES", count - 1)
    assert page_text(found, raw, (400, 300), 72.0, use) is None  # type: ignore[arg-type]


def test_the_ticket_reaches_the_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    from crnn_ocr.imaging.page_source import Wanted
    from crnn_ocr.imaging.pdf.pages import decode_pdf
    from tests.imaging.pictures import LIMITS

    pytest.importorskip("pypdfium2")
    ticket = Ticket()
    pages = decode_pdf(made.written(made.line("text")), LIMITS, ticket=ticket, wanted=Wanted(text="auto"))

    def cancelled(glyphs: Glyphs, effort: Effort) -> list[Piece]:
        ticket.cancel()
        for _ in range(10_000):
            effort.compare(1)
        return lines_of(glyphs, effort)

    monkeypatch.setattr(text_layer, "lines_of", cancelled)
    with pytest.raises(RequestCancelledError):
        pages.text(0)
    pages.close()
