"""ZIP archives of pictures: order, limits, and what is refused."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from crnn_ocr.errors import (
    ImageDecodeError,
    ImageTooLargeError,
    OcrError,
    RequestCancelledError,
    UnsupportedImageError,
)
from crnn_ocr.imaging import archive, archive_members
from crnn_ocr.imaging.decode import decode_pages
from crnn_ocr.imaging.limits import Limits
from crnn_ocr.imaging.page_ranges import PageRanges
from crnn_ocr.imaging.page_source import PageSource, Wanted
from crnn_ocr.imaging.pdf.page_text import UseOfText
from crnn_ocr.scheduling.ticket import Ticket
from tests.imaging.pictures import LIMITS, saved, tiff_of


def grey(level: int, size: tuple[int, int] = (20, 10)) -> bytes:
    return saved(Image.new("L", size, level), "PNG")


def packed(members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


def levels(pages: PageSource) -> list[int]:
    return [int(page[0, 0]) for page in pages]


def error_of(data: bytes, place: int = 0) -> OcrError:
    pages = decode_pages(data, LIMITS)
    with pytest.raises(OcrError) as caught:
        pages.draw(place)
    pages.close()
    return caught.value


def test_members_come_in_natural_order_with_running_numbers() -> None:
    tiff = tiff_of(*[(Image.new("L", (20, 10), level), {}) for level in (90, 91)])
    data = packed(
        {"p10.png": grey(100), "p9.tif": tiff, "sub/a.png": grey(110), "P1.png": grey(10), "sub/": b""}
    )
    pages = decode_pages(data, LIMITS)
    assert pages.numbers == (1, 2, 3, 4, 5)
    assert [(extent.width, extent.height) for extent in pages.extents] == [(20, 10)] * 5
    assert levels(pages) == [10, 90, 91, 100, 110]


def test_pages_may_be_chosen_and_reached_in_any_order() -> None:
    data = packed({f"{level}.png": grey(level) for level in (10, 20, 30, 40)})
    pages = decode_pages(data, LIMITS, wanted=Wanted(PageRanges.parse("4,2-3")))
    assert pages.numbers == (2, 3, 4)
    assert [int(pages.draw(place)[0, 0]) for place in (2, 0, 1, 0)] == [40, 20, 30, 20]


def test_what_programs_leave_behind_is_no_page() -> None:
    members = {"__MACOSX/._a.png": b"x", ".DS_Store": b"x", "Thumbs.db": b"x", "sub/.hidden": b"x"}
    assert levels(decode_pages(packed({"a.png": grey(7), **members}), LIMITS)) == [7]
    with pytest.raises(UnsupportedImageError, match="no pictures"):
        decode_pages(packed(members), LIMITS)


def test_broken_members_are_pages_with_errors() -> None:
    data = packed(
        {
            "1.png": grey(1),
            "2.png": b"",
            "3.txt": b"some words",
            "4.png": grey(4)[:40],
            "5.zip": packed({"a.png": grey(5)}),
            "6.png": grey(6),
        }
    )
    pages = decode_pages(data, LIMITS)
    found: list[object] = []
    for place in range(6):
        try:
            found.append(int(pages.draw(place)[0, 0]))
        except OcrError as error:
            found.append(error.code)
    assert found == [
        1,
        "IMAGE_EMPTY",
        "IMAGE_TYPE_UNSUPPORTED",
        "IMAGE_DECODE_FAILED",
        "IMAGE_TYPE_UNSUPPORTED",
        6,
    ]


@pytest.mark.parametrize("name", ["../a.png", "a/../../b.png", "/etc/a.png", "C:\\a.png", "..\\a.png"])
def test_paths_that_lead_out_are_refused(name: str) -> None:
    with pytest.raises(ImageDecodeError, match="leads out of it"):
        decode_pages(packed({name: grey(1)}), LIMITS)


@pytest.mark.parametrize("name", ["[Content_Types].xml", "mimetype", "META-INF/MANIFEST.MF"])
def test_files_of_other_programs_are_refused(name: str) -> None:
    with pytest.raises(UnsupportedImageError, match="Office document or a program"):
        decode_pages(packed({name: b"x", "word/media/image1.png": grey(1)}), LIMITS)


def test_encrypted_and_unusually_packed_members_are_refused() -> None:
    data = bytearray(packed({"a.png": grey(1)}, zipfile.ZIP_STORED))
    entry = data.index(b"PK\x01\x02")
    data[entry + 8] |= 1
    assert "encrypted" in error_of(bytes(data)).message
    assert "unusual way" in error_of(packed({"a.png": grey(1)}, zipfile.ZIP_LZMA)).message


def test_bombs_are_refused_before_they_are_unpacked() -> None:
    blank = bytes(8 << 20)
    assert "far larger" in error_of(packed({"a.bmp": b"BM" + blank})).message
    small = replace(LIMITS, max_bytes=1 << 20)
    many = packed({f"{n}.bmp": bytes(1 << 20) for n in range(17)})
    with pytest.raises(ImageTooLargeError, match="have 17 MiB; at most 16 MiB"):
        decode_pages(many, small)


def test_members_that_are_larger_than_they_claim_are_refused() -> None:
    limits = replace(LIMITS, max_bytes=2_000)
    noise = np.random.default_rng(1).integers(0, 256, 40_000, np.uint8).tobytes()[:1500] + bytes(10_000)
    raw = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = raw.compress(b"BM" + noise) + raw.flush()
    head = struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 0, 8, 0, 0, 0, len(body), 100, 5, 0) + b"a.bmp"
    entry = (
        struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 8, 0, 0, 0, len(body), 100, 5, 0, 0, 0, 0, 0, 0)
        + b"a.bmp"
    )
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, len(entry), len(head) + len(body), 0)
    pages = decode_pages(head + body + entry + end, limits)
    with pytest.raises(OcrError):
        pages.draw(0)


def test_too_many_members_are_refused_by_the_end_record() -> None:
    limits = replace(LIMITS, max_text_pages=3)
    assert len(decode_pages(packed({f"{n}.png": grey(n) for n in range(3)}), limits).numbers) == 3
    with pytest.raises(ImageTooLargeError, match="more than 3 files"):
        decode_pages(packed({f"{n}.png": grey(n) for n in range(4)}), limits)
    forged = bytearray(packed({"a.png": grey(1)}))
    end = forged.rindex(b"PK\x05\x06")
    forged[end + 12 : end + 16] = (1 << 31).to_bytes(4, "little")
    with pytest.raises(ImageTooLargeError):
        decode_pages(bytes(forged), limits)


def test_large_end_records_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The numbers in the ordinary record are not those of the archive if there is a second one."""
    data = packed({f"{n}.png": grey(n) for n in range(4)})
    place = data.rindex(b"PK\x05\x06")
    entries, size, offset = struct.unpack_from("<H2L", data, place + 10)
    large = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, entries, entries, size, offset)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, place, 1)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, size, 0xFFFFFFFF, 0)
    forged = data[:place] + large + locator + end
    assert len(zipfile.ZipFile(io.BytesIO(forged)).namelist()) == 4  # Python itself believes the second one

    def listed(*_: object) -> None:
        raise AssertionError("the members are listed")

    monkeypatch.setattr(zipfile, "ZipFile", listed)
    with pytest.raises(UnsupportedImageError, match="ZIP64"):
        decode_pages(forged, replace(LIMITS, max_text_pages=3))


def test_names_may_have_any_number_of_digits() -> None:
    long = {"7" * 5_000 + ".png": grey(30), "8.png": grey(20)}
    assert levels(decode_pages(packed({**long, "1.png": grey(10)}), LIMITS)) == [10, 20, 30]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of the members in the order in which they are opened."""
    names: list[str] = []
    unpacked = archive_members.unpacked

    def noted(archive: zipfile.ZipFile, member: zipfile.ZipInfo, limits: Limits) -> bytes:
        names.append(member.filename)
        return unpacked(archive, member, limits)

    monkeypatch.setattr(archive, "unpacked", noted)
    return names


@pytest.mark.parametrize("text", ["force", "auto"])
def test_no_member_is_opened_once_there_are_too_many_pages(opened: list[str], text: UseOfText) -> None:
    tiff = tiff_of(*[(Image.new("L", (20, 10), level), {}) for level in (90, 91)])
    data = packed({f"{n}.tif": tiff for n in range(3)})
    few = replace(LIMITS, max_pages=3) if text == "force" else replace(LIMITS, max_text_pages=3)
    with pytest.raises(ImageTooLargeError, match=r"At most 3 pages .* has more pages than that"):
        decode_pages(data, few, wanted=Wanted(text=text))
    assert opened == ["0.tif", "1.tif"]


def test_no_member_is_opened_behind_the_last_wanted_page(opened: list[str]) -> None:
    tiff = tiff_of(*[(Image.new("L", (20, 10), level), {}) for level in (90, 91)])
    data = packed({"0.png": grey(1), "1.tif": tiff, "2.png": grey(2), "3.png": grey(3)})
    assert decode_pages(data, LIMITS, wanted=Wanted(PageRanges.parse("1,3"))).numbers == (1, 3)
    assert opened == ["0.png", "1.tif"]


def test_pictures_have_the_limit_of_pages() -> None:
    data = packed({f"{n}.png": grey(n) for n in range(4)})
    with pytest.raises(ImageTooLargeError, match="At most 3 pages"):
        decode_pages(data, replace(LIMITS, max_pages=3))


def test_a_cancelled_request_opens_no_more_members() -> None:
    ticket = Ticket()
    ticket.cancel()
    with pytest.raises(RequestCancelledError):
        decode_pages(packed({"a.png": grey(1)}), LIMITS, ticket=ticket)


def test_a_member_without_a_name_is_a_page() -> None:
    data = packed({"a.png": grey(1), "b.png": grey(2)}).replace(b"a.png", b"\0.png")
    assert levels(decode_pages(data, LIMITS)) == [1, 2]


SEED = packed({"1.png": grey(1), "2.png": grey(2)})


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.data())
def test_mutated_archives_give_pages_or_a_clear_error(data: st.DataObject) -> None:
    seed = bytearray(SEED)
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(seed) - 1))
        seed[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    try:
        pages = decode_pages(bytes(seed), LIMITS)
    except OcrError:
        return
    for place in range(len(pages.numbers)):
        try:
            assert pages.draw(place).ndim in (2, 3)
        except OcrError:
            continue
