"""The plain way to drop second prints and to join parts of lines: compare each part with all others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from crnn_ocr.imaging.pdf.text_pieces import Piece, is_han


def without_second_prints(pieces: Sequence[Piece]) -> list[Piece]:
    kept: list[Piece] = []
    for piece in pieces:
        near = 0.3 * piece.em
        if not any(
            piece.text == other.text
            and all(abs(a - b) < near for a, b in zip(piece.box, other.box, strict=True))
            for other in kept
        ):
            kept.append(piece)
    return kept


def joined(pieces: Sequence[Piece]) -> list[Piece]:
    order = sorted(
        (index for index, piece in enumerate(pieces) if not piece.column), key=lambda i: pieces[i].box[0]
    )
    lines: dict[int, Piece] = {}
    for index in order:
        piece = pieces[index]
        best: int | None = None
        for other in sorted(lines, key=lambda i: (lines[i].middle, i)):
            if _continues(lines[other], piece) and (best is None or lines[best].box[2] < lines[other].box[2]):
                best = other
        if best is None:
            lines[index] = piece
        else:
            lines[best] = _two_as_one(lines[best], piece)
    lines |= {index: piece for index, piece in enumerate(pieces) if piece.column}
    return [lines[index] for index in sorted(lines)]


def _continues(line: Piece, piece: Piece) -> bool:
    em = min(line.em, piece.em)
    gap = piece.box[0] - line.box[2]
    if not -0.3 * em <= gap <= 0.45 * em or max(line.em, piece.em) > 2 * em:
        return False
    overlap = min(line.band[1], piece.band[1]) - max(line.band[0], piece.band[0])
    return overlap > 0.5 * em / 0.8


def _two_as_one(line: Piece, piece: Piece) -> Piece:
    gap = piece.box[0] - line.box[2]
    han = is_han(np.array([ord(line.text[-1]), ord(piece.text[0])], np.uint32)).all()
    text, edges = line.text, line.edges
    if gap > (0.6 if han else 0.15) * min(line.em, piece.em):
        text, edges = text + " ", np.concatenate([edges, [(line.box[2], piece.box[0])]])
    box = (
        line.box[0],
        min(line.box[1], piece.box[1]),
        max(line.box[2], piece.box[2]),
        max(line.box[3], piece.box[3]),
    )
    band = line.band if len(line.text) >= len(piece.text) else piece.band
    return Piece(text + piece.text, np.concatenate([edges, piece.edges]), box, band)
