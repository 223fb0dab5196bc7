"""What stands in pictures beside their pixels is bounded before Pillow makes objects of it."""

import io
import struct
import warnings
import zlib

import numpy as np
import pytest
from odd_places import (
    _noted_jpeg,
    _striped_tiff,
    chunk,
    commented,
    directory,
    icon,
    jpeg,
    moving,
    padded,
    png,
    scanned,
    sharing,
)  # fmt: skip
from PIL import Image, PngImagePlugin

from assay.data import picture_blocks, picture_files, picture_notes
from assay.data.picture_files import Form, fitted, opened
from assay.data.picture_notes import lenient, oversized
from assay.errors import DataError
from assay.reading.opening import opened as opened_to_read


def refused(content: bytes) -> str:
    """Return the line with which both readers of pictures refuse one."""
    said = []
    for read in (opened, opened_to_read):
        with pytest.raises(DataError) as caught:
            read(content, "odd")
        said.append(str(caught.value))
    assert said[0].startswith("odd: ")
    assert "\n" not in said[0] + said[1]
    return said[0]


def test_notes_of_a_camera(monkeypatch):
    tags = directory((0x0112, 3, 1, 6), after=bytes(3000))
    for content in (
        png(4, 4, chunk(b"eXIf", tags)),
        _noted_jpeg(3000),
        b"\xff\xd8" + b"\xff\xe1" + struct.pack(">H", len(tags) + 8) + b"Exif\0\0" + tags + jpeg()[2:],
    ):
        opened(content, "odd")
        opened_to_read(content, "odd")
        monkeypatch.setattr(picture_notes, "MOST_EXIF", 2000)
        assert "(EXIF) have 3," in refused(content)
        monkeypatch.undo()


def test_notes_in_pieces_are_counted_together_and_up_to_the_scan_alone(monkeypatch):
    whole = _noted_jpeg(200_000)
    assert len(whole) > 3 * 65_535
    with picture_notes.lenient():
        found = len(Image.open(io.BytesIO(whole)).info["exif"]) - 6  # without the name "Exif"
    monkeypatch.setattr(picture_notes, "MOST_EXIF", found)
    assert oversized(whole) is None
    monkeypatch.setattr(picture_notes, "MOST_EXIF", found - 1)
    assert f"(EXIF) have {found:,} bytes" in refused(whole)
    monkeypatch.setattr(picture_notes, "MOST_EXIF", 0)
    assert oversized(jpeg()[:-2] + b"\xff\xe1\x00\x26Exif\0\0" + bytes(30) + jpeg()[-2:]) is None


def test_scans_of_a_jpeg_are_counted_to_its_end(monkeypatch):
    """A few bytes may be a scan over all pixels, of which each takes a moment."""
    of_its_own = scanned(100, 0).count(b"\xff\xda")
    assert 6 <= of_its_own <= 10
    opened(scanned(100, 100 - of_its_own), "odd")
    assert "it has more than 100 scans" in refused(scanned(100, 101 - of_its_own))
    opened(scanned(100, 0) + b"\xff\xda" * 200, "odd")  # a film behind a picture
    hidden = scanned(100, 200).replace(b"\xff\xda", b"\xff\xfe\x00\x04\xff\xd9\xff\xda")  # in a comment
    assert "scans" in refused(hidden)
    noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "JPEG", progressive=True, quality=95)
    for piece in (3, 64, picture_blocks.PIECE):  # markers anywhere in what is read at a time
        monkeypatch.setattr(picture_blocks, "PIECE", piece)
        found = [code for code, _ in picture_blocks.segments(io.BytesIO(file.getvalue()))]
        assert found.count(0xDA) == 10
        assert found[-1] == 0xD9
    monkeypatch.setattr(picture_notes, "MOST_SEGMENTS", 5)
    assert "it has more than 5 segments" in refused(file.getvalue())


def test_tags_that_share_a_place():
    for kind in (3, 7):  # numbers, bytes
        content = sharing(1500, 40_000, kind)
        assert "numbers, expected at most 1,000,000" in refused(png(4, 4, chunk(b"eXIf", content)))
        assert "numbers, expected at most 1,000,000" in refused(content)
        in_jpeg = b"\xff\xe1" + struct.pack(">H", len(content) + 14) + b"Exif\0\0" * 2 + content
        assert "numbers, expected at most 1,000,000" in refused(jpeg()[:2] + in_jpeg + jpeg()[2:])
    assert oversized(sharing(2, 8)) is None  # both resolutions, as some programs write them


def test_what_programs_write_beside_pixels(monkeypatch):
    for content in (padded(9 << 20), commented(9 << 20)):
        assert "it has more than 8,388,608 bytes or 20,000 blocks beside its pixels" in refused(content)
    assert oversized(padded(8_388_000)) is None
    assert oversized(png() + bytes(9 << 20)) is None  # behind its end
    many = moving("GIF", 40), moving("PNG", 40)
    monkeypatch.setattr(picture_notes, "MOST_BLOCKS", 20)
    assert [oversized(content) for content in many] == [None, None]  # of what moves the first is read
    assert "beside its pixels" in refused(commented(21 * 255))


def test_an_icon_is_no_larger_than_a_picture_may_be(monkeypatch):
    monkeypatch.setattr(picture_notes, "MOST_PIXELS", 10_000)
    opened(icon(100), "odd")
    assert "pixels" in refused(icon(101))


@pytest.mark.parametrize("cut", range(2, 60, 3))
def test_a_cut_jpeg_or_tiff_has_nothing_too_large(cut):
    assert oversized(_noted_jpeg(100)[:cut]) is None
    assert oversized(_striped_tiff(100)[:cut]) is None


def test_numbers_in_the_tags_of_a_tiff(monkeypatch):
    content = _striped_tiff(300)
    assert picture_notes._tiff_numbers(io.BytesIO(content)) == 606
    monkeypatch.setattr(picture_notes, "MOST_NUMBERS", 605)
    assert "its tags have 606 numbers, expected at most 605" in refused(content)
    deep = directory((0x8769, 4, 1, 100), after=bytes(100 - 8 - 2 - 12 - 4) + _entries((1, 3, 700, 0)))
    assert picture_notes._tiff_numbers(io.BytesIO(deep + bytes(2000))) == 701
    around = directory((0x8769, 4, 1, 8))  # leads to itself
    assert picture_notes._tiff_numbers(io.BytesIO(around)) == picture_notes.MOST_DIRECTORIES
    file = io.BytesIO()
    Image.new("L", (9, 9)).save(file, "TIFF", big_tiff=True)
    assert 8 <= picture_notes._tiff_numbers(file) <= 20


def _entries(*tags: tuple[int, int, int, int]) -> bytes:
    return directory(*tags)[8:]


def test_text_in_a_png(monkeypatch):
    text = [chunk(b"zTXt", b"a%d\0\0" % n + zlib.compress(bytes(1000))) for n in range(10)]
    fitted(opened(png(4, 4, *text), "odd"), Form((4, 4), False), "odd")
    monkeypatch.setattr(picture_notes, "MOST_TEXT", 5000)
    assert "Too much memory used in text chunks" in refused(png(4, 4, *text))
    assert PngImagePlugin.MAX_TEXT_MEMORY > 1 << 20
    later = png()[:-12] + b"".join(text) + png()[-12:]  # behind the pixels
    with pytest.raises(DataError, match="text chunks"):
        fitted(opened(later, "odd"), Form((4, 4), False), "odd")


def test_limits_hold_for_all_who_read_and_are_afterwards_what_they_were():
    """Threads come and go in any order: the first one out leaves another inside."""
    before = Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_MEMORY, [*warnings.filters]
    first, second = lenient(), lenient()
    with first:
        second.__enter__()
    assert picture_notes.MOST_PIXELS // 2 == Image.MAX_IMAGE_PIXELS
    second.__exit__(None, None, None)
    assert (Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_MEMORY, [*warnings.filters]) == before


MODES = {
    "RGBA": Image.fromarray,
    "LA": lambda noise: Image.fromarray(noise[..., 2:], "LA"),
    "P": lambda noise: Image.fromarray(noise[..., :3]).quantize(16),
    "I;16": lambda noise: Image.fromarray(noise[..., :2].copy().view(np.uint16)[..., 0]),
    "I": lambda noise: Image.fromarray(noise[..., :2].copy().view(np.uint16)[..., 0].astype(np.int32)),
    "F": lambda noise: Image.fromarray(noise[..., 0].astype(np.float32)),
    "CMYK": lambda noise: Image.fromarray(noise, "CMYK"),
    "1": lambda noise: Image.fromarray(noise[..., 0] & 128).convert("1"),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("colour", [True, False])
def test_strips_give_what_the_whole_gives(monkeypatch, mode, colour):
    noise = np.random.default_rng(0).integers(0, 256, (31, 23, 4), dtype=np.uint8)
    image = MODES[mode](noise)
    if mode == "P":
        image.info["transparency"] = bytes(range(0, 256, 16))
    form = Form((31, 23), colour)
    whole = fitted(image, form, mode)
    monkeypatch.setattr(picture_files, "STRIP", 50)
    np.testing.assert_array_equal(fitted(image, form, mode), whole)
    np.testing.assert_array_equal(whole, _as_pillow_does(image, colour))


def _as_pillow_does(image, colour):
    """Return the pixels by Pillow's own ways, of the whole picture at once."""
    mode = "RGB" if colour else "L"
    if image.mode in ("I;16", "I", "F"):
        levels = np.asarray(image, np.float64)
        most = 255 if levels.max() <= 255 else 65_535
        return np.asarray(Image.fromarray((levels * (255 / most)).astype(np.uint8)).convert(mode))
    if image.mode in ("RGBA", "LA", "P"):
        layers = image.convert("RGBA")
        return np.asarray(
            Image.alpha_composite(Image.new("RGBA", layers.size, "white"), layers).convert(mode)
        )
    return np.asarray(image.convert(mode))


def test_a_picture_in_hand_is_not_changed():
    exif = Image.Exif()
    exif[picture_files.ORIENTATION] = 6
    file = io.BytesIO()
    Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4)).save(file, "PNG", exif=exif)
    image = Image.open(file)
    turned = fitted(image, Form((4, 3), False), "image")
    np.testing.assert_array_equal(turned, np.rot90(np.asarray(image), -1))
    assert image.size == (4, 3)
    assert image.getexif()[picture_files.ORIENTATION] == 6
