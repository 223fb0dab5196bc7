"""CIFAR's binary archives: fetched, unpacked with care, and read record by record."""

import hashlib
import io
import tarfile
from dataclasses import replace

import numpy as np
import pytest
from own_files import refusal

from assay.data import fetch, load
from assay.data.hosted import COLLECTIONS
from assay.data.outline import outline
from assay.data.readers import cifar
from assay.data.spec import DataSpec
from assay.data.tarball import unpack_tar
from assay.errors import DataError

NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
COUNT = 30


def records(labels, seed):
    random = np.random.default_rng(seed)
    images = random.integers(0, 256, (COUNT, 32, 32, 3), dtype=np.uint8)
    return images, np.hstack([labels, images.transpose(0, 3, 1, 2).reshape(COUNT, -1)]).astype(
        np.uint8
    ).tobytes()


def archive(members):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as file:
        for name, content in members:
            member = tarfile.TarInfo(name) if isinstance(name, str) else name
            member.size = len(content)
            file.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture
def published(tmp_path, monkeypatch):
    """Publish small archives of both sets in a folder; return the images by set, in order."""
    monkeypatch.setenv("ASSAY_DATA", str(tmp_path / "cache"))
    monkeypatch.setattr(cifar, "AT_ONCE", 7)
    held = {"cifar10": [], "cifar100": []}
    members = {"cifar10": [("a/batches.meta.txt", "\n".join([*NAMES, "", ""]).encode())], "cifar100": []}
    for seed, name in enumerate([*(f"data_batch_{k}.bin" for k in range(1, 6)), "test_batch.bin"]):
        images, content = records(np.arange(COUNT)[:, None] % 10, seed)
        held["cifar10"].append(images)
        members["cifar10"].append((f"cifar-10-batches-bin/{name}", content))
    for seed, name in enumerate(["train.bin", "test.bin"]):
        labels = np.stack([np.arange(COUNT) % 20, (np.arange(COUNT) * 7) % 100], axis=1)
        images, content = records(labels, seed + 50)
        held["cifar100"].append(images)
        members["cifar100"].append((f"cifar-100-binary/{name}", content))
    members["cifar100"].append(
        ("c/fine_label_names.txt", "\n".join(f"thing{k}" for k in range(100)).encode())
    )
    for key, listed in members.items():
        (name,) = COLLECTIONS[key].files
        content = archive(listed)
        (tmp_path / name).write_bytes(content)
        files = {name: f"md5:{hashlib.md5(content).hexdigest()}"}
        monkeypatch.setitem(COLLECTIONS, key, replace(COLLECTIONS[key], files=files))
    return tmp_path, held


def test_both_are_fetched_and_read(published):
    folder, held = published
    fetch("cifar10", base_url=str(folder))
    data = load(DataSpec("cifar10", valid=40))
    assert data.input_shape == (3, 32, 32)
    assert data.classes == tuple(NAMES)
    np.testing.assert_array_equal(data.test.images, held["cifar10"][-1])
    pool = np.concatenate(held["cifar10"][:-1])
    found = {
        image.tobytes(): label
        for part in (data.train, data.valid)
        for image, label in zip(part.images, part.labels, strict=True)
    }
    assert found == {image.tobytes(): label for image, label in zip(pool, np.arange(150) % 10, strict=True)}
    fetch("cifar100", base_url=str(folder))
    data = load("cifar100")
    assert (len(data.classes), data.classes[7]) == (100, "thing7")
    np.testing.assert_array_equal(data.test.labels, (np.arange(COUNT) * 7) % 100)


def test_a_plan_knows_the_shape_before_the_set_is_there(published):
    assert outline(DataSpec("cifar10")).input_shape == (3, 32, 32)
    assert outline(DataSpec("cifar100")).classes == 100
    assert "run `assay data fetch cifar10`" in refusal("cifar10")


def test_a_record_cut_short(published):
    folder, _ = published
    path = fetch("cifar10", base_url=str(folder)) / "data_batch_2.bin"
    path.write_bytes(path.read_bytes()[:-1])
    assert "no whole number of records of 3,073" in refusal("cifar10", path)
    path.write_bytes(bytes([77]) + path.read_bytes()[1 : 1 + 3072])
    assert "label 77 at index" in refusal("cifar10")
    path.write_bytes(b"")
    assert "contains no examples" in refusal("cifar10")


def link(name, kind):
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, "/etc/passwd"
    return member, b""


HOSTILE = {
    "above": ([("../x.bin", b"1")], "unsafe member name '../x.bin'"),
    "root": ([("/tmp/x.bin", b"1")], "unsafe member name '/tmp/x.bin'"),
    "link": ([link("x.bin", tarfile.SYMTYPE)], "member x.bin is a link or a device"),
    "hard": ([link("x.bin", tarfile.LNKTYPE)], "is a link or a device"),
    "device": ([link("x.bin", tarfile.CHRTYPE)], "is a link or a device"),
    "twice": ([("a/x.bin", b"1"), ("b/x.bin", b"2")], "member x.bin appears twice"),
    "many": ([(f"{k}.bin", b"") for k in range(1001)], "more than 1,000 members"),
    "large": ([("x.bin", bytes(5000)), ("y.bin", bytes(5000))], "unpacks to more than 9,000 bytes"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_an_archive_that_is_hostile(tmp_path, monkeypatch, kind):
    members, words = HOSTILE[kind]
    monkeypatch.setattr("assay.data.tarball.LIMIT", 9000 if kind == "large" else 1 << 20)
    (tmp_path / "out").mkdir()
    (tmp_path / "set.tar.gz").write_bytes(archive(members))
    with pytest.raises(DataError) as caught:
        unpack_tar(tmp_path / "set.tar.gz", tmp_path / "out")
    assert words in str(caught.value)
    assert {path.name for path in tmp_path.iterdir()} == {"out", "set.tar.gz"}


def test_an_archive_cut_anywhere_is_read_or_refused(tmp_path):
    whole = archive([("x.bin", bytes(range(256)) * 8), ("y.bin", b"12")])
    for place in range(0, len(whole), 9):
        (tmp_path / "set.tar.gz").write_bytes(whole[:place])
        target = tmp_path / f"{place}"
        target.mkdir()
        with pytest.raises(DataError, match=r"^set\.tar\.gz: "):
            unpack_tar(tmp_path / "set.tar.gz", target)
