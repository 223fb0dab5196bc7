"""Folders of pictures: every layout in use, every format, sizes brought to one."""

import os
import shutil
import warnings

import numpy as np
import pytest
from bounded import bounded
from own_files import coloured, grey, opened, refusal
from PIL import Image

from assay.data import load
from assay.data.readers import image_folder
from assay.data.readers.picture_groups import read_groups
from assay.errors import DataError

IMAGES, LABELS = grey(side=12)
CLASSES = ("ant", "bee", "9", "10")


def write(folder, images=IMAGES, labels=LABELS, suffix=".png", **options):
    for index, (image, label) in enumerate(zip(images, labels, strict=True)):
        path = folder / CLASSES[label] / f"{index:03}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path, **options)
    return f"images:{folder}"


def in_order(images=IMAGES, labels=LABELS):
    """Return the images as folders of classes, in the order of their names, hold them."""
    return np.concatenate([images[labels == CLASSES.index(name)] for name in sorted(CLASSES)])


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp", ".PNG", ".webp"])
def test_a_folder_for_each_class(tmp_path, suffix):
    options = {"lossless": True} if suffix == ".webp" else {}
    source = opened(write(tmp_path, suffix=suffix, **options) + "?colour=no")
    np.testing.assert_array_equal(source.pool.images, in_order())
    assert source.classes == ("9", "10", "ant", "bee")
    assert [source.classes[k] for k in source.pool.labels[::10]] == sorted(CLASSES)
    assert source.test is None
    assert "pictures: all 12 x 12, read in grey" in source.notes


@pytest.mark.parametrize("above", ["", "archive", "archive/data"])
@pytest.mark.parametrize("names", [("train", "val", "test"), ("Training", "validation", "Testing")])
def test_parts_in_folders_and_folders_above(tmp_path, above, names):
    for seed, part in enumerate(names):
        write(tmp_path / above / part, grey(side=12, seed=seed)[0])
    (tmp_path / above / "__MACOSX" / "x").mkdir(parents=True)
    (tmp_path / above / names[0] / ".hidden").mkdir()
    (tmp_path / above / names[0] / "ant" / "._001.png").write_bytes(b"nothing")
    (tmp_path / above / names[0] / "ant" / "Thumbs.db").write_bytes(b"nothing")
    source = opened(f"images:{tmp_path}")
    for seed, split in enumerate((source.pool, source.valid, source.test)):
        np.testing.assert_array_equal(split.images, in_order(grey(side=12, seed=seed)[0]))


def test_colour_is_seen(tmp_path):
    images, labels = coloured(side=10)
    data = load(write(tmp_path / "colour", images, labels))
    assert data.input_shape == (3, 10, 10)
    found = opened(f"images:{tmp_path}/colour").pool.images
    np.testing.assert_array_equal(found, in_order(images, labels))
    same = np.repeat(IMAGES[..., None], 3, axis=3)  # grey pictures saved as if they were in colour
    assert load(write(tmp_path / "grey", same)).input_shape == (1, 12, 12)
    assert load(f"images:{tmp_path}/grey?colour=yes").input_shape == (3, 12, 12)
    cream = ((255 - same) * np.array([0.97, 0.94, 0.85])).astype(np.uint8)  # ink on paper of one tint
    assert load(write(tmp_path / "cream", cream)).input_shape == (1, 12, 12)
    tints = np.where(LABELS[:, None, None, None] % 2, [220, 160, 160], [160, 220, 160]) * np.ones(
        (1, 12, 12, 1)
    )
    assert load(write(tmp_path / "tints", tints.astype(np.uint8))).input_shape == (3, 12, 12)


def test_sizes_are_brought_to_one_and_nothing_is_cut_off(tmp_path):
    tall = np.zeros((40, 20), np.uint8)
    tall[:, 8:12] = 200
    (tmp_path / "ant").mkdir()
    (tmp_path / "bee").mkdir()
    for index in range(8):
        Image.fromarray(tall).save(tmp_path / "ant" / f"{index}.png")
        Image.fromarray(tall.T.copy()).save(tmp_path / "bee" / f"{index}.jpg", quality=100)
    source = opened(f"images:{tmp_path}?size=16")
    assert source.pool.images.shape == (16, 16, 16)
    upright, lying = source.pool.images[0], source.pool.images[8]
    rows, columns = np.nonzero(upright > 100)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (0, 15, 7, 8)
    np.testing.assert_allclose(lying.T.astype(int), upright, atol=16)
    assert any(note.startswith("pictures: of 2 sizes, brought to 16 x 16") for note in source.notes)
    assert opened(f"images:{tmp_path}").pool.images.shape == (16, 32, 32)


def test_a_camera_that_was_turned(tmp_path):
    exif = Image.Exif()
    exif[274] = 6  # the top of the scene is on the right of the picture
    write(tmp_path, exif=exif)
    np.testing.assert_array_equal(opened(f"images:{tmp_path}").pool.images, np.rot90(in_order(), -1, (1, 2)))


def test_dark_on_paper_transparency_and_16_bits(tmp_path):
    light = 255 - IMAGES
    light[:, 3:9, :3] = 255
    light[:, :, 8:] = 255
    source = opened(write(tmp_path / "light", light))
    np.testing.assert_array_equal(source.pool.images, 255 - in_order(light))
    assert any("paper: light" in note for note in source.notes)
    kept = opened(f"images:{tmp_path}/light?inverted=no").pool.images
    np.testing.assert_array_equal(kept, in_order(light))
    layers = np.zeros((40, 12, 12, 4), np.uint8)
    layers[..., 3] = 255 - light
    source = opened(write(tmp_path / "glass", layers))
    np.testing.assert_allclose(source.pool.images.astype(int), 255 - in_order(light), atol=1)
    deep = opened(write(tmp_path / "deep", IMAGES.astype(np.uint16) * 257)).pool.images
    np.testing.assert_array_equal(deep, in_order())


def test_writers_in_a_table(tmp_path):
    write(tmp_path)
    rows = [
        f"{path.relative_to(tmp_path)},w{index % 5}"
        for index, path in enumerate(sorted(tmp_path.rglob("*.png")))
    ]
    (tmp_path / "writer.csv").write_text("\n".join(rows[::-1]) + "\n")
    np.testing.assert_array_equal(
        opened(f"images:{tmp_path}", groups="writer").pool.groups, np.arange(40) % 5
    )
    (tmp_path / "writer.csv").write_text("\n".join(rows[1:]) + "\n")
    assert "10/003.png: has no group" in refusal(f"images:{tmp_path}", groups="writer")
    (tmp_path / "writer.csv").write_text("a,b,c\n")
    assert "writer.csv: row 1: 3 columns, expected a file and its writer" in refusal(
        f"images:{tmp_path}", groups="writer"
    )
    assert "author.csv: cannot be read" in refusal(f"images:{tmp_path}", groups="author")


def test_what_is_wrong_is_one_line(tmp_path):
    source = f"images:{tmp_path / 'set'}"
    assert "cannot be read: No such file" in refusal(source)
    write(tmp_path / "set")
    broken = tmp_path / "set" / "ant" / "000.png"
    whole = broken.read_bytes()
    for content in (b"", b"nothing", whole[:60], whole[: len(whole) // 2]):
        broken.write_bytes(content)
        said = refusal(source, broken)
        assert "cannot be read as a picture" in said
        assert "move it out of the way" in said
    broken.write_bytes(whole)
    assert "size must be like 32 or 32x32" in refusal(f"{source}?size=0")
    (tmp_path / "set" / "empty").mkdir()
    assert opened(source).classes == ("9", "10", "ant", "bee")
    assert "no pictures in empty: no class" in load(source).notes
    shutil.rmtree(tmp_path / "set")
    (tmp_path / "set").mkdir()
    shutil.copy(__file__, tmp_path / "set" / "notes.txt")
    assert "no pictures in folders; expected a folder for each class" in refusal(source)
    Image.fromarray(IMAGES[0]).save(tmp_path / "set" / "a.png")
    assert "there are pictures, but in no folder of their class" in refusal(source)


def test_a_picture_far_too_large(tmp_path, monkeypatch):
    write(tmp_path)
    monkeypatch.setattr("assay.data.picture_files.MOST_PIXELS", 100)
    assert "12x12 pixels, more than 100" in refusal(f"images:{tmp_path}")


def test_more_than_fits_in_memory(tmp_path, monkeypatch):
    write(tmp_path)
    monkeypatch.setattr("assay.data.pixels.available", lambda: 10_000)
    assert "pixels take 0 MiB, this machine has 0 (smaller images: ?size=32)" in refusal(
        f"images:{tmp_path}?size=64"
    )


def test_a_picture_without_end_on_one_side(tmp_path):
    source = write(tmp_path)
    Image.new("L", (1, 70_000)).save(tmp_path / "ant" / "tall.png")
    assert "1x70000 pixels, expected sides up to 65,535" in refusal(source)


def test_odd_metadata_is_no_matter_and_postscript_is_not_run(tmp_path):
    source = write(tmp_path, suffix=".jpg")
    path = tmp_path / "ant" / "odd.jpg"
    shutil.copy(next(path.parent.glob("0*.jpg")), path)
    whole = path.read_bytes()
    two_turns = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x02\0\x01\0\x01\0\0\0\0"
    path.write_bytes(whole[:2] + b"\xff\xe1" + (len(two_turns) + 2).to_bytes(2) + two_turns + whole[2:])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        opened(source)
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n%%EOF\n")
    assert "is PostScript, a program, which is not run" in refusal(source)


def test_links_pipes_and_devices_are_no_pictures(tmp_path):
    source = write(tmp_path / "set")
    before = opened(source)
    place = tmp_path / "set" / "ant"
    os.mkfifo(place / "pipe.png")
    (place / "itself.png").symlink_to("itself.png")
    (place / "nowhere.png").symlink_to("nothing.png")
    (place / "zeros.png").symlink_to("/dev/zero")
    (place / "around").symlink_to("..")
    (tmp_path / "set" / "all").symlink_to(".")  # neither a class of its own
    (tmp_path / "set" / "above").symlink_to("..")
    (tmp_path / "set" / "loop").symlink_to("loop")
    after = opened(source)
    assert after.classes == before.classes
    np.testing.assert_array_equal(after.pool.images, before.pool.images)
    shutil.copytree(
        place,
        tmp_path / "elsewhere",
        ignore=lambda *_: ["pipe.png", "zeros.png", "around", "itself.png", "nowhere.png"],
    )
    (tmp_path / "set" / "linked").symlink_to(tmp_path / "elsewhere")
    assert "linked" in opened(source).classes
    os.mkfifo(tmp_path / "pipe")
    assert "cannot be read: Not a directory" in refusal(f"images:{tmp_path}/pipe")
    os.mkfifo(tmp_path / "set" / "writer.csv")
    assert "writer.csv: is not a regular file" in refusal(source, groups="writer")


def test_names_that_no_terminal_should_see(tmp_path):
    write(tmp_path)
    (tmp_path / "ant" / "000.png").rename(tmp_path / "ant" / "line\nend \u202egnp.png")
    np.testing.assert_array_equal(sorted(map(str, opened(f"images:{tmp_path}").classes)), sorted(CLASSES))
    (tmp_path / "ant").rename(tmp_path / "a\x1b[31mt")
    assert r"'a\x1b[31mt' is no printable name" in refusal(f"images:{tmp_path}")


def test_a_table_of_groups_is_read_a_row_at_a_time(tmp_path):
    write(tmp_path)
    others = "".join(f"other/{k}.png,w{k}\n" for k in range(5000))
    own = "".join(f"{path.relative_to(tmp_path).as_posix()},w1\n" for path in tmp_path.rglob("*.png"))
    (tmp_path / "writer.csv").write_text(others + own)
    with bounded(mebibytes=1):
        assert set(read_groups(tmp_path, "writer", tmp_path.rglob("*.png")).values()) == {"w1"}
    (tmp_path / "writer.csv").write_text(others + own[:-4] + ",\n")
    assert "row 5,040: an empty one, expected a file and its writer" in refusal(
        f"images:{tmp_path}", groups="writer"
    )
    (tmp_path / "writer.csv").write_text("x" * 100_000)
    assert "a row of more than 65,536 characters" in refusal(f"images:{tmp_path}", groups="writer")


def test_the_first_picture_of_a_folder_is_opened_before_the_others_are_listed(tmp_path, monkeypatch):
    write(tmp_path)
    listed = []
    monkeypatch.setattr(image_folder, "_is_picture", lambda entry: listed.append(entry) or True)
    for path in (tmp_path / "9").iterdir():
        path.write_bytes(b"")
    with pytest.raises(DataError, match="cannot be read as a picture"):
        [*image_folder._below(tmp_path / "9", "")]
    assert len(listed) == 1


def test_a_folder_of_many_files_is_not_in_memory_at_once(tmp_path):
    write(tmp_path)
    for index in range(1000):
        os.close(os.open(tmp_path / "ant" / f"{index}.txt", os.O_CREAT | os.O_WRONLY))
    with bounded(mebibytes=0.2):
        assert len(image_folder._pictures(tmp_path)) == 40
        assert image_folder._parts(tmp_path) == (tmp_path, {"train": tmp_path})
