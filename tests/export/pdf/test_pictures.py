"""Pictures become pages: unchanged where PDF knows the format, and the text lies on them."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import numpy as np
import pikepdf
import pypdfium2
import pytest
from PIL import Image

from crnn_ocr.document import Remark
from crnn_ocr.errors import ImageDecodeError, OriginalMissingError
from crnn_ocr.export import FORMATS, WriteOptions
from crnn_ocr.imaging.archive import PackedPictures
from crnn_ocr.imaging.decode import decode_pages
from crnn_ocr.imaging.formats import Format
from crnn_ocr.imaging.geometry import apply_orientation
from crnn_ocr.imaging.limits import Limits
from crnn_ocr.pixels import Pixels
from tests.export.pdf.making import document, line, page
from tests.export.pdf.test_originals import placed, texts

LIMITS = Limits(1 << 26, 1 << 25, 10_000, 100)


def picture(width: int = 200, height: int = 120) -> Image.Image:
    """A picture that looks different from every side."""
    rows, cols = np.mgrid[0:height, 0:width]
    pixels = np.stack([rows * 255 // height, cols * 255 // width, (rows + cols) % 255], 2)
    pixels[: height // 4, : width // 4] = 0
    return Image.fromarray(pixels.astype(np.uint8))


def file_of(image: Image.Image, form: str, **how: Any) -> bytes:
    content = io.BytesIO()
    image.save(content, form, **how)
    return content.getvalue()


def written(data: bytes, *pages: Any) -> bytes:
    def pixels(number: int) -> Pixels:
        pages: list[Pixels] = [*decode_pages(data, LIMITS)]
        return pages[number - 1]

    content = FORMATS["pdf"].write(document(*pages), WriteOptions(original=lambda: data, picture=pixels))
    assert isinstance(content, bytes)
    return content


def embedded(content: bytes) -> tuple[int, str, list[str], Image.Image]:
    """Bits per component, colours, filters and pixels of the first page's picture."""
    with pikepdf.open(io.BytesIO(content)) as pdf:
        stream: Any = pdf.pages[0].Resources.XObject.Picture
        found = pikepdf.PdfImage(stream)
        return found.bits_per_component, str(found.colorspace), found.filters, found.as_pil_image()


def shown(content: bytes, width: int, height: int, index: int = 0) -> Any:
    drawn = pypdfium2.PdfDocument(content)[index]
    scale = width / drawn.get_width()
    pixels = drawn.render(scale=scale).to_numpy()[:height, :width, :3]
    assert pixels.shape == (height, width, 3)
    return pixels.astype(int)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_a_jpeg_is_embedded_as_it_is(mode: str) -> None:
    data = file_of(picture().convert(mode), "JPEG", dpi=(100, 100))

    content = written(data, page(line("字", 20, 20), width=200, height=120))

    with pikepdf.open(io.BytesIO(content)) as pdf:
        assert pdf.pages[0].Resources.XObject.Picture.read_raw_bytes() == data
        assert [float(side) for side in pdf.pages[0].MediaBox] == [0, 0, 144, 86.4]
    (upright,) = decode_pages(data, LIMITS)
    if upright.ndim == 2:
        upright = np.stack([upright] * 3, 2)
    # PDFium converts CMYK in another way than Pillow; inverted colours differ by more than 100.
    assert abs(shown(content, 200, 120) - upright).mean() < (30 if mode == "CMYK" else 4)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["JPEG", "TIFF"])
@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_orientation(orientation: int, form: str, turn: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = file_of(picture(), form, exif=exif, dpi=(100, 200))
    (read,) = decode_pages(data, LIMITS)
    height, width = read.shape[:2]

    content = written(data, page(line("字", 20, 30, 24, 24), width=width, height=height, rotation=turn))

    upright = apply_orientation(read, {0: 1, 90: 6, 180: 3, 270: 8}[turn]).astype(int)
    high, wide = upright.shape[:2]
    with pikepdf.open(io.BytesIO(content)) as pdf:
        sides = [float(side) for side in pdf.pages[0].MediaBox][2:]
    dpi = (200, 100) if (orientation > 4) != (turn % 180 == 90) else (100, 200)
    assert sides == pytest.approx([wide / dpi[0] * 72, high / dpi[1] * 72], abs=0.01)
    drawn = pypdfium2.PdfDocument(content)[0].render(scale=2 * 200 / 72).to_numpy()[..., :3]
    small = np.asarray(Image.fromarray(drawn).resize((wide, high), Image.Resampling.BOX)).astype(int)
    assert abs(small - upright).mean() < 6
    marked = np.zeros((height, width), np.uint8)
    marked[30:54, 20:44] = 1
    rows, cols = np.nonzero(apply_orientation(marked, {0: 1, 90: 6, 180: 3, 270: 8}[turn]))
    (found,) = placed(content, wide, high)
    centre = (found[0] + found[2]) / 2, (found[1] + found[3]) / 2
    assert centre == pytest.approx((cols.mean() + 0.5, rows.mean() + 0.5), abs=0.6)


@pytest.mark.parametrize(
    ("mode", "bits", "space"), [("1", 1, "/DeviceGray"), ("L", 8, "/DeviceGray"), ("RGB", 8, "/DeviceRGB")]
)
@pytest.mark.parametrize("form", ["PNG", "TIFF", "WEBP"])
def test_others_lose_nothing(mode: str, bits: int, space: str, form: str) -> None:
    image = picture().convert(mode)
    data = file_of(image, form, **({"lossless": True} if form == "WEBP" else {}))

    content = written(data, page(line("字", 20, 20), width=200, height=120))

    found = embedded(content)
    assert found[:3] == (bits, space, ["/FlateDecode"])
    assert found[3].convert("RGB").tobytes() == image.convert("RGB").tobytes()
    assert texts(content) == ["字"]


def test_what_had_lost_something_stays_small() -> None:
    noisy = Image.fromarray(np.random.default_rng(1).integers(0, 255, (300, 400, 3)).astype(np.uint8))
    data = file_of(noisy, "WEBP", quality=80)

    content = written(data, page(width=400, height=300))

    assert embedded(content)[2] == ["/DCTDecode"]
    assert len(content) < 400 * 300 * 2


def test_a_tiff_of_several_pages() -> None:
    frames = [picture(200, 120), picture(100, 300).convert("1"), picture(50, 60).convert("L")]
    data = file_of(
        frames[0], "TIFF", save_all=True, append_images=frames[1:], compression="tiff_lzw", dpi=(300, 300)
    )
    sizes = [frame.size for frame in frames]
    pages = [
        page(line(f"page {number}", 5, 5, 40, 12), number=number, width=wide, height=high)
        for number, (wide, high) in enumerate(sizes, start=1)
    ]

    content = written(data, *pages)

    assert [texts(content, index) for index in range(3)] == [["page 1"], ["page 2"], ["page 3"]]
    with pikepdf.open(io.BytesIO(content)) as pdf:
        found = [each.Resources.XObject.Picture for each in pdf.pages]
        assert [tuple(map(int, (each.Width, each.Height, each.BitsPerComponent))) for each in found] == [
            (200, 120, 8), (100, 300, 1), (50, 60, 8)
        ]  # fmt: skip


def test_a_page_that_could_not_be_read() -> None:
    def pixels(number: int) -> Pixels:
        if number == 1:
            raise ImageDecodeError("cut short")
        return np.full((50, 60), 255, np.uint8)

    bad = page(number=1, error=Remark("IMAGE_DECODE_FAILED", "cut short"))
    good = page(line("二", 5, 5), number=2, width=60, height=50)
    content = FORMATS["pdf"].write(document(bad, good), WriteOptions(picture=pixels))
    assert isinstance(content, bytes)

    assert texts(content, 0) == []
    assert texts(content, 1) == ["二"]
    with pytest.raises(ImageDecodeError):
        FORMATS["pdf"].write(document(page()), WriteOptions(picture=pixels))


@pytest.mark.parametrize(
    ("dpi", "size", "points"),
    [
        (None, (960, 480), (720, 360)),  # as on a screen
        (72, (960, 480), (720, 360)),  # what is written for "unknown"
        (None, (4961, 3508), (842, 595)),  # a sheet of A4
        (300, (600, 1200), (144, 288)),
        (9999, (960, 480), (720, 360)),
    ],
)
def test_size_of_the_page(dpi: int | None, size: tuple[int, int], points: tuple[float, float]) -> None:
    how = {} if dpi is None else {"dpi": (dpi, dpi)}
    data = file_of(Image.new("L", size, 255), "PNG", **how)

    content = written(data, page(width=size[0], height=size[1]))

    assert pypdfium2.PdfDocument(content)[0].get_size() == pytest.approx(points, abs=0.6)


def test_a_profile_of_colours_is_kept() -> None:
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = file_of(picture(), "JPEG", icc_profile=profile)

    content = written(data, page(width=200, height=120))

    with pikepdf.open(io.BytesIO(content)) as pdf:
        space = pdf.pages[0].Resources.XObject.Picture.ColorSpace
        assert space[0] == "/ICCBased"
        assert space[1].read_bytes() == profile


def test_a_jpeg_whose_header_nobody_knows_needs_its_picture() -> None:
    data = b"\xff\xd8\xff\xe0rubbish"

    with pytest.raises(OriginalMissingError):
        FORMATS["pdf"].write(document(page()), WriteOptions(original=lambda: data))


def test_the_same_bytes_again() -> None:
    data = file_of(picture(), "PNG")
    read = page(line("字", 20, 20), width=200, height=120)

    assert written(data, read) == written(data, read)


def archive_of(*files: bytes, packed: int = zipfile.ZIP_STORED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", packed) as archive:
        for number, data in enumerate(files):
            archive.writestr(f"{number}.picture", data)
    return content.getvalue()


def noise(width: int = 200, height: int = 120) -> Image.Image:
    """What a sensor gives: hardly two pixels are the same."""
    return Image.fromarray(np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8))


def streams(content: bytes) -> list[tuple[str, bytes]]:
    with pikepdf.open(io.BytesIO(content)) as pdf:
        found = [each.Resources.XObject.Picture for each in pdf.pages]
        return [(str(stream.Filter), stream.read_raw_bytes()) for stream in found]


def lines_on(count: int) -> list[Any]:
    return [page(line("字", 20, 20), number=n, width=200, height=120) for n in range(1, count + 1)]


def test_the_jpegs_of_an_archive_are_embedded_as_they_are() -> None:
    exif = Image.Exif()
    exif[274] = 6
    first, turned = file_of(noise(), "JPEG"), file_of(picture(120, 200), "JPEG", exif=exif)
    drawing = file_of(picture(), "PNG")

    content = written(archive_of(first, drawing, turned), *lines_on(3))

    found = streams(content)
    assert [found[0], found[2]] == [("/DCTDecode", first), ("/DCTDecode", turned)]
    assert found[1][0] == "/FlateDecode"
    (upright,) = decode_pages(turned, LIMITS)
    assert abs(shown(content, 200, 120, 2) - upright).mean() < 4
    assert [texts(content, index) for index in range(3)] == [["字"]] * 3


def test_a_photo_of_an_archive_behind_several_pages_is_compressed_with_loss() -> None:
    """Which file it comes from cannot be told without decoding, so its look decides."""
    tiff = file_of(noise(), "TIFF", save_all=True, append_images=[Image.new("RGB", (200, 120), "white")])
    photo = file_of(noise(), "JPEG")

    content = written(archive_of(tiff, photo), *lines_on(3))

    assert [kind for kind, _ in streams(content)] == ["/DCTDecode", "/FlateDecode", "/DCTDecode"]


def test_what_is_packed_behind_a_jpeg_is_left_out() -> None:
    padded = file_of(picture(), "JPEG") + bytes(3 << 20)

    content = written(archive_of(padded, packed=zipfile.ZIP_DEFLATED), *lines_on(1))

    assert streams(content)[0][0] == "/DCTDecode"
    assert len(content) < 1 << 18


def test_members_that_lie_over_one_another_are_not_embedded_often() -> None:
    """Ten names of one file: an archive of a few kilobytes, which may have thousands of them."""
    data = bytearray(archive_of(file_of(noise(), "JPEG", quality=100)))
    start, length = data.rfind(b"PK\1\2"), data.rfind(b"PK\5\6") - data.rfind(b"PK\1\2")
    entry = bytes(data[start : start + length])
    end = bytearray(data[start + length :])
    end[8:12] = (10).to_bytes(2, "little") * 2
    end[12:16] = (10 * length).to_bytes(4, "little")
    several = bytes(data[:start]) + entry * 10 + bytes(end)

    found = PackedPictures(several).of(10)

    assert found is not None
    assert found[1:] == (Format.JPEG, False)
    assert len(found[0]) <= 2048
