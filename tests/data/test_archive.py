"""A hostile zip archive writes nothing, least of all outside its folder."""

import stat
import zipfile

import pytest
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
