"""Each step from a picture to an image of 28x28, by itself: what must hold whatever is written."""

import io
import subprocess
import sys

import faults
import numpy as np
import pytest
from emnist47 import EMNIST47, needs_emnist47
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import binary_dilation
from strokes_drawn import drawn

import assay
from assay.data import load
from assay.reading import opening
from assay.reading.nist import as_nist
from assay.reading.opening import Opened, opened
from assay.reading.order import lines
from assay.reading.paper import ink
from assay.reading.pieces import pieces
from assay.reading.ruled import ruled
from assay.reading.shades import views
from assay.reading.specks import without_specks

SIDE = 160
CHARACTERS = {name: (np.asarray(drawn(name, SIDE, 12)) < 128) for name in "AEHN4725"}
written = st.sampled_from(list(CHARACTERS)).map(CHARACTERS.get)
seeds = st.integers(0, 2**32 - 1)
few = settings(deadline=None, max_examples=10)


@few
@given(character=written, seed=seeds, share=st.floats(0.01, 0.05))
def test_specks_go_and_the_rest_stays(character, seed, share):
    draw = np.random.default_rng(seed)
    clean = np.where(character, 0.2, np.linspace(0.5, 0.8, SIDE)).astype(np.float32)
    hit = draw.random(clean.shape) < share
    speckled = np.where(hit, draw.integers(0, 2, clean.shape), clean).astype(np.float32)
    found = without_specks(speckled)
    assert np.mean(np.abs(found - clean)[hit] < 0.1) > 0.9
    assert np.mean(found[~hit] == clean[~hit]) > 0.99


@few
@given(row=st.integers(10, SIDE - 10), seed=seeds)
def test_a_line_of_one_pixel_is_no_speck(row, seed):
    clean = np.full((SIDE, SIDE), 0.9, np.float32)
    clean[row] = 0.1
    speckled = clean.copy()
    speckled[np.random.default_rng(seed).random(clean.shape) < 0.01] = 1.0
    # Where a speck breaks the line, its two neighbours there are ends, and may go too.
    assert np.mean(without_specks(speckled)[row] < 0.2) > 0.9


@few
@given(character=written)
def test_without_specks_hardly_a_corner_is_touched(character):
    clean = np.where(character, 0.1, 0.9).astype(np.float32)
    assert np.mean(without_specks(clean) != clean) < 0.002


def lined(slope, step, first, thick):
    """Return where ruled lines are, rising by ``slope``, and level or upright."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    return (np.rint(rows - slope * (columns - SIDE / 2)).astype(int) - first) % step < thick


@few
@given(
    character=written,
    slope=st.floats(-0.07, 0.07),
    step=st.integers(30, 60),
    first=st.integers(0, 30),
    thick=st.integers(1, 3),
    upright=st.booleans(),
)
def test_ruled_lines_are_found_and_strokes_are_kept(character, slope, step, first, thick, upright):
    paper = lined(slope, step, first, thick)
    paper = paper.T if upright else paper
    found = ruled(character | paper)
    middle = slice(SIDE // 8, -SIDE // 8)  # lines that leave the picture at a corner are short
    beside = (paper & ~binary_dilation(character, iterations=4))[middle, middle]
    assert not beside.any() or found[middle, middle][beside].mean() > 0.9
    assert found[character].mean() < 0.12


@pytest.mark.parametrize("name", CHARACTERS)
@pytest.mark.parametrize("pen", [3, 12])
def test_strokes_are_no_ruled_lines(name, pen):
    assert not ruled(np.asarray(drawn(name, SIDE, pen)) < 128).any()


@few
@given(character=written, margins=st.tuples(*[st.integers(0, 60)] * 4))
def test_paper_around_it_changes_no_character(character, margins):
    alone = as_nist(character.astype(np.float32))
    apart = as_nist(np.pad(character, (margins[:2], margins[2:])).astype(np.float32))
    assert np.array_equal(apart, alone)


@few
@given(character=written, times=st.integers(2, 4))
def test_size_and_side_change_no_character(character, times):
    alone = as_nist(character.astype(np.float32)).astype(int)
    larger = np.kron(character, np.ones((times, times), np.float32))
    assert np.abs(as_nist(larger) - alone).mean() < 4
    assert np.abs(as_nist(character.T.astype(np.float32)).T - alone).mean() < 1
    assert alone.max() == 255


def test_greys_finer_than_a_pixel_of_a_scan_are_kept():
    """A gap half as dark as its strokes would be ink, or paper, in two levels."""
    character = np.zeros((80, 80), np.float32)
    character[:, :30] = character[:, 34:64] = 1
    character[:, 30:34] = 0.6
    filled = np.where(character > 0, 1, 0).astype(np.float32)
    assert as_nist(character)[14, 14] < as_nist(filled)[14, 14] - 20


@few
@given(character=written, light=st.floats(0.4, 1.0), slope=st.floats(-0.3, 0.3))
def test_light_changes_no_ink(character, light, slope):
    sheet = np.where(character, 0.1, 0.95).astype(np.float32)
    uneven = (light * (1 + slope * np.linspace(-1, 1, SIDE)) / 1.3).astype(np.float32)
    plain, dark = ink(sheet, 50), ink(sheet * uneven, 50)
    inside = character & ~binary_dilation(~character, iterations=2)
    assert np.abs(plain - dark)[inside].max() < 0.12
    assert dark[~binary_dilation(character, iterations=3)].max() < 0.12


@few
@given(first=written, second=written, down=st.integers(0, 40))
def test_pieces_are_what_is_connected_in_reading_order(first, second, down):
    canvas = np.zeros((SIDE + 40, 2 * SIDE + 40), np.float32)
    canvas[down : down + SIDE, :SIDE] = first
    canvas[:SIDE, SIDE + 40 :] = second
    left, right = lines(pieces(canvas, 0.1))[0]
    for part, drawing, start, top in ((left, first, 0, down), (right, second, SIDE + 40, 0)):
        rows, columns = (np.flatnonzero(drawing.any(axis=axis)) for axis in (1, 0))
        assert (part.top, part.left) == (top + rows[0], start + columns[0])
        assert (part.bottom, part.right) == (top + rows[-1] + 1, start + columns[-1] + 1)
        assert part.ink().sum() == drawing.sum()


@few
@given(shade=st.integers(0, 255), seed=seeds)
def test_grey_pictures_are_looked_at_once_and_equally_light_ones_twice(shade, seed):
    draw = np.random.default_rng(seed)
    grey = np.repeat(draw.random((50, 50, 1)), 3, axis=2).astype(np.float32)
    assert len([*views(Opened("grey", grey, None, 1.0, (50, 50)))]) == 1
    red, green = (0.85, 0.2, 0.2), (0.1, 0.58, 0.15)
    colours = np.where(draw.random((50, 50, 1)) < 0.2, red, green).astype(np.float32)
    lightness, main = views(Opened("colours", colours, None, 1.0, (50, 50)))
    assert np.ptp(main) > 5 * np.ptp(lightness)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "I;16"])
def test_strips_are_no_matter(mode, monkeypatch):
    values = np.random.default_rng(0).integers(0, 256, (1500, 1300, 4)).astype(np.uint8)
    image = Image.fromarray(values)
    image = Image.fromarray(values[..., 0].astype(np.uint16) * 257) if mode == "I;16" else image.convert(mode)
    whole = opened(image)
    monkeypatch.setattr(opening, "STRIP", 100_000)
    assert np.array_equal(opened(image).colours, whole.colours)


def test_a_large_picture_is_in_memory_once():
    side = 3500
    file = io.BytesIO()
    Image.new("RGB", (side, side), (240, 240, 230)).save(file, "PNG", compress_level=1)
    code = (
        "import resource, sys; from PIL import PngImagePlugin; from assay.reading.opening import opened\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "content = sys.stdin.buffer.read(); before = peak(); opened(content); print(peak() - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=file.getvalue(), capture_output=True, check=True
    )
    assert int(done.stdout) * 1024 < 4 * side**2 + 25_000_000


@needs_emnist47
@pytest.mark.parametrize(("index", "character"), [(38, "9"), (41, "6")])
def test_the_loop_of_a_tightly_cropped_character_is_not_what_is_written(index, character):
    ink_of = faults.large(load(f"idx:{EMNIST47}").test.images[index])
    assert assay.read(faults.cropped(ink_of, 0, np.random.default_rng(0))).text == character


@needs_emnist47
@pytest.mark.parametrize(("index", "character"), [(4, "1"), (6, "5"), (27, "A")])
def test_what_is_written_on_a_sheet_is_read_and_not_the_sheet(index, character):
    ink_of = faults.large(load(f"idx:{EMNIST47}").test.images[index])
    assert assay.read(faults.dark_desk(ink_of, 0, np.random.default_rng(0))).text == character
