"""A hostile zip archive writes nothing, least of all outside its folder."""

import stat
import struct
import zipfile

import pytest
from bounded import bounded
from hypothesis import given
from hypothesis import strategies as st

from assay.data.archive import unpack
from assay.errors import DataError


def make(folder, *members):
    """Write an archive of (name or ZipInfo, content) pairs."""
    path = folder / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def refusal(archive, folder):
    target = folder / "target"
    target.mkdir(exist_ok=True)
    before = sorted(folder.rglob("*"))
    with pytest.raises(DataError) as caught:
        unpack(archive, target)
    assert sorted(folder.rglob("*")) == before
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_data_files_are_written_flat(tmp_path):
    unpack(make(tmp_path, ("gzip/a.gz", b"one"), ("gzip/b-mapping.txt", b"two"), ("run.sh", b"no")), tmp_path)
    assert (tmp_path / "a.gz").read_bytes() == b"one"
    assert (tmp_path / "b-mapping.txt").read_bytes() == b"two"
    assert not (tmp_path / "run.sh").exists()


@pytest.mark.parametrize("name", ["../../x.gz", "/etc/x.gz", "C:\\x.gz", "..\\x.gz", "a/../../x.gz"])
def test_unsafe_names(tmp_path, name):
    assert "unsafe member name" in refusal(make(tmp_path, ("good.gz", b""), (name, b"x")), tmp_path)


def test_links(tmp_path):
    link = zipfile.ZipInfo("x.gz")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    assert "member x.gz is a link" in refusal(make(tmp_path, (link, "/etc/passwd")), tmp_path)


def test_a_name_met_twice(tmp_path):
    assert "member x.gz appears twice" in refusal(
        make(tmp_path, ("a/x.gz", b"1"), ("b/x.gz", b"2")), tmp_path
    )


def test_a_bomb(tmp_path):
    assert "expands" in refusal(make(tmp_path, ("x.gz", bytes(10**6))), tmp_path)


def test_an_encrypted_member(tmp_path):
    path = make(tmp_path, ("x.gz", b"1"))
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    assert "is encrypted" in refusal(path, tmp_path)


def test_an_unknown_compression(tmp_path):
    path = make(tmp_path, ("x.gz", b"1"))
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 10] = 99
    path.write_bytes(content)
    assert "uses compression method 99" in refusal(path, tmp_path)


@given(data=st.data())
def test_a_damaged_archive_is_unpacked_or_refused(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("mutated")
    path = make(folder, ("x.gz", b"some content of a file" * 3), ("y.txt", b"1 65"))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    (folder / "target").mkdir()
    try:
        unpack(path, folder / "target")
    except DataError as error:
        assert "\n" not in str(error)  # noqa: PT017
    assert {file.name for file in folder.iterdir()} == {"a.zip", "target"}


def replaced(path, place, fields, value):
    """Write ``value`` into the central directory's first entry, at ``place`` of ``fields`` bytes."""
    content = bytearray(path.read_bytes())
    start = content.index(b"PK\x01\x02") + place
    content[start : start + fields] = value.to_bytes(fields, "little")
    path.write_bytes(content)
    return path


def test_bad_compressed_data(tmp_path):
    path = make(tmp_path, ("x.gz", bytes(range(256)) * 4))
    content = bytearray(path.read_bytes())
    content[34] = 0xFF  # the first byte of the compressed data
    path.write_bytes(content)
    target = tmp_path / "target"
    target.mkdir()
    with pytest.raises(DataError, match="damaged zip archive"):
        unpack(path, target)


@pytest.mark.parametrize("offset", [2**31, 2**32 - 1, 7])
def test_an_offset_that_leads_nowhere(tmp_path, offset):
    (tmp_path / "target").mkdir()
    with pytest.raises(DataError, match="damaged zip archive") as caught:
        unpack(replaced(make(tmp_path, ("x.gz", b"1")), 42, 4, offset), tmp_path / "target")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["a\nb.gz", "\x1b[31m.gz", "x" * 300 + ".gz"])
def test_names_that_are_none(tmp_path, name):
    assert "unsafe member name" in refusal(make(tmp_path, (name, b"x")), tmp_path)


def test_a_directory_of_a_million_names_takes_no_memory(tmp_path):
    """Each of its entries becomes an object many times its size."""
    entry = b"PK\x01\x02" + bytes(42)
    directory = entry * 200_000
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, len(directory), 0, 0)
    (tmp_path / "a.zip").write_bytes(directory + end)
    with bounded(mebibytes=16):
        assert "a part of 9,200,000 bytes" in refusal(tmp_path / "a.zip", tmp_path)


def test_a_full_disk_is_not_the_archives_fault(tmp_path):
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "x.gz").mkdir()
    with pytest.raises(OSError, match="exists"):
        unpack(make(tmp_path, ("x.gz", b"1")), tmp_path / "target")
