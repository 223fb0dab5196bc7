"""Fetching, against a server of our own: the whole set arrives, or nothing stays."""

import gzip
import hashlib
import os
import threading
import zipfile
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from itertools import count
from time import sleep

import numpy as np
import pytest
import requests

from assay.data import download, load, remote, sources
from assay.data.hosted import COLLECTIONS, NAMES
from assay.data.idx import write_idx
from assay.errors import DataError
from assay.records.holds import hold

IMAGES = np.arange(40 * 28 * 28, dtype=np.uint32).reshape(40, 28, 28).astype(np.uint8)
LABELS = (np.arange(40) % 10).astype(np.uint8)


def idx_file(folder, array):
    write_idx(folder / "made.gz", array)
    return (folder / "made.gz").read_bytes()


class Server(ThreadingHTTPServer):
    """Serves ``files``; ``cut`` bytes are promised but not sent, ``status`` answers every request."""

    files: dict[str, bytes]
    cut = 0
    status = 200
    promise = drip = 0
    endless = False


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        content = self.server.files.get(self.path.lstrip("/"))
        status = 404 if content is None else self.server.status
        self.send_response(status)
        if not self.server.endless:
            self.send_header("Content-Length", str(self.server.promise or len(content or b"")))
        self.end_headers()
        with suppress(OSError):
            self.trickle(content)

    def trickle(self, content):
        for start in range(0, len(content or b""), self.server.drip or 1 << 30) if self.server.drip else ():
            self.wfile.write(content[start : start + self.server.drip])
            sleep(0.02)
        while self.server.endless:
            self.wfile.write(bytes(1 << 16))
        if not self.server.drip:
            self.wfile.write((content or b"")[: len(content or b"") - self.server.cut])

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    with Server(("127.0.0.1", 0), Handler) as running:
        running.files = {}
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def published(monkeypatch, tmp_path, server):
    """Publish a small MNIST and a small EMNIST on the server and record their hashes."""
    monkeypatch.setenv("ASSAY_DATA", str(tmp_path / "cache"))
    monkeypatch.setattr(remote, "RETRIES", 0)
    images, labels = idx_file(tmp_path, IMAGES), idx_file(tmp_path, LABELS)
    for name in COLLECTIONS["mnist"].files:
        server.files[name] = images if "images" in name else labels
    server.files["gzip.zip"] = emnist_archive(images, labels)
    for key in ("mnist", "emnist"):
        collection = COLLECTIONS[key]
        hashes = {
            name: f"sha256:{hashlib.sha256(server.files[name]).hexdigest()}" for name in collection.files
        }
        address = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setitem(COLLECTIONS, key, replace(collection, files=hashes, address=address))
    return server


def emnist_archive(images, labels):
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for part in ("train", "test"):
            archive.writestr(f"gzip/emnist-digits-{part}-images-idx3-ubyte.gz", images)
            archive.writestr(f"gzip/emnist-digits-{part}-labels-idx1-ubyte.gz", labels)
        archive.writestr("gzip/emnist-digits-mapping.txt", "\n".join(f"{k} {48 + k}" for k in range(10)))
    return buffer.getvalue()


def refusal(name, **options) -> str:
    with pytest.raises(DataError) as caught:
        remote.fetch(name, **options)
    assert "\n" not in str(caught.value)
    assert list(remote.cache_folder().iterdir()) == []
    return str(caught.value)


def test_a_fetched_set_loads(published):
    assert not remote.is_fetched("mnist")
    remote.fetch("mnist")
    dataset = load("mnist")
    assert (len(dataset.train), len(dataset.valid), len(dataset.test)) == (34, 6, 40)
    assert dataset.classes == tuple("0123456789")
    assert [source.name for source in sources() if source.here == "yes"] == ["glyphs", "mnist"]


def test_the_archive_of_emnist_is_unpacked_and_upright(published):
    folder = remote.fetch("emnist")
    assert not (folder / "gzip.zip").exists()
    np.testing.assert_array_equal(load("emnist/digits").test.images, IMAGES.transpose(0, 2, 1))
    with pytest.raises(DataError, match="no files start with 'emnist-balanced'"):
        load("emnist/balanced")


def test_what_is_there_is_not_fetched_again(published):
    remote.fetch("mnist")
    published.files.clear()
    assert remote.fetch("mnist").is_dir()


@pytest.mark.parametrize("as_folder", [True, False])
def test_local_files_are_taken_and_checked(published, tmp_path, as_folder):
    path = tmp_path / "gzip.zip"
    path.write_bytes(published.files["gzip.zip"])
    remote.fetch("emnist", base_url=str(tmp_path if as_folder else path))
    assert len(load("emnist/digits").test) == 40


def test_a_local_file_with_another_hash(published, tmp_path):
    (tmp_path / "gzip.zip").write_bytes(published.files["gzip.zip"] + b"x")
    assert "is recorded (get the file again)" in refusal("emnist", base_url=str(tmp_path))
    assert "no such file" in refusal("emnist", base_url=str(tmp_path / "nowhere"))


def test_a_wrong_hash(published):
    published.files["t10k-labels-idx1-ubyte.gz"] += b"x"
    assert "t10k-labels-idx1-ubyte.gz: the file's hash is not the recorded" in refusal("mnist")


def test_a_page_instead_of_data(published):
    published.files["gzip.zip"] = b"\n<!DOCTYPE html><html>moved</html>"
    assert "the server sent an HTML page (34 bytes), not the data" in refusal("emnist")


@pytest.mark.parametrize("cut", [1, 1000])
def test_a_connection_that_closes_early(published, cut):
    published.cut = cut
    assert "the connection closed before the whole file came" in refusal("emnist")


def test_a_missing_file_and_a_failing_server(published):
    del published.files["t10k-images-idx3-ubyte.gz"]
    assert "the server answered 404 Not Found" in refusal("mnist")
    published.status = 503
    assert "the server answered 503" in refusal("emnist")


def test_nobody_answers(published):
    assert "download failed: ConnectionError" in refusal("mnist", base_url="http://127.0.0.1:1")


def test_an_archive_that_is_none(published, monkeypatch):
    published.files["gzip.zip"] = gzip.compress(b"no zip")
    digest = hashlib.sha256(published.files["gzip.zip"]).hexdigest()
    collection = replace(COLLECTIONS["emnist"], files={"gzip.zip": f"sha256:{digest}"})
    monkeypatch.setitem(COLLECTIONS, "emnist", collection)
    assert "gzip.zip: damaged zip archive" in refusal("emnist")


def test_a_redirect_away_from_https_is_refused():
    response = requests.Response()
    response.status_code, response.url = 302, "https://a.example/x"
    for place in ("http://a.example/x", "file:///etc/passwd"):
        response.headers["location"] = place
        with pytest.raises(DataError, match="refused redirect"):
            download.refuse_downgrade(response)
    response.headers["location"] = "https://b.example/x"
    download.refuse_downgrade(response)


def test_loading_never_downloads(published):
    for name in NAMES:
        with pytest.raises(DataError, match=r"run `assay data fetch [a-z0-9-]+`, or use --data glyphs"):
            load(name)
    assert not remote.cache_folder().exists()


def test_a_cache_that_cannot_be_written(published, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ASSAY_DATA", str(tmp_path / "file"))
    with pytest.raises(DataError, match="set ASSAY_DATA to a folder that can"):
        remote.fetch("mnist")


def test_an_unknown_name():
    with pytest.raises(DataError, match="did you mean 'emnist'"):
        remote.fetch("emnits")


def test_a_server_that_sends_a_byte_at_a_time(published, monkeypatch):
    looks = count()
    monkeypatch.setattr(download, "monotonic", lambda: download.WINDOW * next(looks))
    published.drip = 1
    assert "bytes came in 30 s, which is too slow" in refusal("mnist")
    published.drip = 0


@pytest.mark.parametrize("how", ["promise", "endless"])
def test_a_file_that_is_too_long(published, monkeypatch, how):
    setattr(published, how, 2**40)
    assert "bytes or more, expected at most 12,582,912" in refusal("mnist")


def test_what_killed_fetches_left_is_cleared(published, monkeypatch, tmp_path):
    left, young, held = (remote.cache_folder() / f".fetch-{name}" for name in ("left", "young", "held"))
    for folder in (left, young, held):
        (folder / "mnist").mkdir(parents=True)
    for folder in (left, held):
        os.utime(folder, (0, 0))
    with hold(held):
        remote.fetch("mnist")
    assert [folder.exists() for folder in (left, young, held)] == [False, True, True]


@pytest.mark.parametrize("name", ["mnist", "emnist"])
@pytest.mark.parametrize("damage", ["changed", "missing"])
def test_a_damaged_cache_is_noticed_and_repaired(published, name, damage):
    folder = remote.fetch(name)
    files = remote.verify(name)
    assert files == len(list(folder.iterdir())) - 1
    path = next(folder.glob("*labels*"))
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1] + b"?")
    words = {"missing": "is missing", "changed": "is not as it was fetched"}[damage]
    with pytest.raises(DataError, match=rf"{path.name} {words} \(`assay data fetch {name}` repairs it\)"):
        remote.verify(name)
    kept = {path.name for path in folder.iterdir()}
    published.status = 503
    with pytest.raises(DataError, match="503"):
        remote.fetch(name)
    assert {path.name for path in folder.iterdir()} == kept, "what is there stays until there is better"
    published.status = 200
    remote.fetch(name)
    assert remote.verify(name) == files
    assert [path.name for path in remote.cache_folder().iterdir()] == [name]


def test_a_set_without_a_record_is_compared_with_what_its_publisher_says(published):
    (remote.fetch("mnist") / remote.RECORD).unlink()
    assert remote.verify("mnist") == 4
    (remote.fetch("emnist") / remote.RECORD).unlink()
    with pytest.raises(DataError, match="SHA256SUMS is missing"):
        remote.verify("emnist")
    with pytest.raises(DataError, match="is not in"):
        remote.verify("kmnist")


def test_a_set_without_a_record_is_recorded_where_all_of_it_can_be_read(published):
    """Not fetched again; where it cannot be read, it is."""
    folder = remote.fetch("emnist")
    files = remote.verify("emnist")
    (folder / remote.RECORD).unlink()
    published.status = 503
    assert remote.fetch("emnist") == folder
    assert remote.verify("emnist") == files
    (folder / remote.RECORD).unlink()
    path = next(folder.glob("*images*"))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match="503"):
        remote.fetch("emnist")
    assert not (folder / remote.RECORD).exists()
    published.status = 200
    remote.fetch("emnist")
    assert remote.verify("emnist") == files
