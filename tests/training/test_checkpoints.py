"""A checkpoint is read as it was written, or refused in one line; a crash leaves the old or the new one."""

import bz2
import errno
import gzip
import io
import json
import lzma
import os
import pickle
import subprocess
import sys
import tarfile
import zipfile
from math import inf, isnan, nan

import numpy as np
import pytest
import torch
from example_counts import drawn
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays, from_dtype
from safetensors.numpy import save
from tiny import weights_digest

from assay.engines.base import State
from assay.errors import StoreError
from assay.records.runs import EpochRecord, LayerRecord, RunId
from assay.store.weights import load_weights, path_of, save_weights
from assay.training import checkpoints
from assay.training.checkpoints import Encoded, load_progress, save_progress
from assay.training.train import Progress

IDENTITY = {"arm": "max", "seed": 3, "study": "ab", "data": "cd"}
EPOCHS = [
    EpochRecord(1, 0.1 + 0.2, 0.5, 1.5, 0.25, 1.0, 9.0),
    EpochRecord(2, nan, 0.5, 1e-300, 0.25, 1.0, 9.0),
]
LAYERS = [
    LayerRecord(0, "conv1", 0.1 + 0.2, 1e-300, 0.0, 1e-3, 1e-4, None, 0.5),
    LayerRecord(1, "relu1", None, None, None, None, None, 1 / 3, inf),
]

tensors = st.sampled_from([np.float32, np.float64, np.int64]).flatmap(
    lambda dtype: arrays(
        dtype,
        array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
        elements=from_dtype(np.dtype(dtype)),
    )
)
names = st.sampled_from(["conv1.weight", "conv1.bias", "conv10.weight", "linear1.weight"])
weights = st.dictionaries(names, tensors, min_size=1)


def progress():
    rng = np.random.default_rng(0)
    parameters = {
        "conv1.weight": rng.normal(size=(3, 1, 2, 2)).astype(np.float32),
        "conv1.bias": np.zeros(3, np.float32),
    }
    slots = {name: {"exp_avg": value + 1, "exp_avg_sq": value + 2} for name, value in parameters.items()}
    best = {name: value - 1 for name, value in parameters.items()}
    return Progress(
        State(parameters, slots, 14, {"bn1.mean": np.ones(3)}), best, 1, list(EPOCHS), list(LAYERS)
    )


def contents(run):
    state = run.state
    slots = {f"{name}/{key}": value for name, slot in state.slots.items() for key, value in slot.items()}
    digests = [weights_digest(part) for part in (state.parameters, state.buffers, slots, run.best)]
    return digests, state.step, run.best_epoch, [repr(record) for record in run.history], run.layers


@pytest.fixture
def path(tmp_path):
    path = path_of(tmp_path, RunId("max", 3), unfinished=True)
    save_progress(path, progress(), IDENTITY)
    return path


def refused(path, read=lambda path: load_progress(path, IDENTITY)):
    with pytest.raises(StoreError) as caught:
        read(path)
    line = str(caught.value)
    assert line.startswith(f"{path}: ")
    assert len(line.splitlines()) == 1
    return line


def test_a_runs_progress_is_read_as_it_was_written(path):
    assert contents(load_progress(path, IDENTITY)) == contents(progress())
    assert isnan(load_progress(path, IDENTITY).history[1].train_loss)
    save_progress(path, Progress(State({}, {})), IDENTITY)
    assert contents(load_progress(path, IDENTITY)) == contents(Progress(State({}, {})))


@settings(max_examples=drawn(25))
@given(weights)
def test_weights_are_read_as_they_were_written(tmp_path_factory, found):
    path = tmp_path_factory.getbasetemp() / "any.safetensors"
    save_weights(path, found, IDENTITY)
    again = load_weights(path)
    assert weights_digest(again) == weights_digest(found)


def test_a_matrix_that_is_a_view_is_written_as_it_looks(tmp_path):
    view = np.arange(12.0).reshape(3, 4).T[::2]
    save_weights(tmp_path / "w", {"x": view}, IDENTITY)
    assert np.array_equal(load_weights(tmp_path / "w")["x"], view)


def test_a_checkpoint_cut_anywhere_is_refused(path):
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        assert "remove it, and the run starts again" in refused(path)
    path.write_bytes(whole + b"\0")
    refused(path)


def attempt(path):
    """Return what a checkpoint holds, or None if it is refused."""
    try:
        return contents(load_progress(path, IDENTITY))
    except StoreError:
        return None


def test_a_bit_flipped_anywhere_is_refused_or_changes_nothing(path):
    """What may change unseen is the blanks that fill up the header."""
    whole, expected, unseen = path.read_bytes(), contents(progress()), 0
    for place in range(0, 8 * len(whole), 13):  # each bit of a byte in its turn
        changed = bytearray(whole)
        changed[place // 8] ^= 1 << place % 8
        path.write_bytes(changed)
        found = attempt(path)
        assert found in (None, expected)
        unseen += found is not None
    assert unseen < 20


def test_a_bit_flipped_in_the_numbers_is_said_to_be(path):
    changed = bytearray(path.read_bytes())
    changed[-3] ^= 4
    path.write_bytes(changed)
    assert "do not match their SHA-256" in refused(path)
    assert "run the study again" in refused(path, load_weights)


class Canary:
    def __reduce__(self):
        return (os.mkdir, ("canary",))


def torch_file():
    buffer = io.BytesIO()
    torch.save({"w": torch.zeros(3)}, buffer)
    return buffer.getvalue()


def old_torch_file():
    buffer = io.BytesIO()
    torch.save({"w": Canary()}, buffer, _use_new_zipfile_serialization=False)
    return buffer.getvalue()


def zipped(name):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, pickle.dumps(Canary()))
    return buffer.getvalue()


def tarred():
    buffer, payload = io.BytesIO(), pickle.dumps(Canary())
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo("data.pkl")
        member.size = len(payload)
        archive.addfile(member, io.BytesIO(payload))
    return buffer.getvalue()


def objects(save):
    buffer = io.BytesIO()
    save(buffer, np.array([Canary()], dtype=object), allow_pickle=True)
    return buffer.getvalue()


def safetensors(metadata=None):
    return save({"w": np.zeros(3)}, metadata=metadata)


def tensor(dtype, size):
    """Return a file of one number of ``size`` bytes."""
    head = json.dumps({"w": {"dtype": dtype, "shape": [1], "data_offsets": [0, size]}}).encode()
    return len(head).to_bytes(8, "little") + head + bytes(size)


STRANGERS = {
    **{f"pickle {protocol}": pickle.dumps(Canary(), protocol) for protocol in range(6)},
    "torch": torch_file(),
    "torch, before zip": old_torch_file(),
    "zip of torch's": zipped("archive/data.pkl"),
    "npz of a pickle": zipped("w.npy"),
    "npy of objects": objects(np.save),
    "npz of objects": objects(lambda file, array, **_: np.savez(file, w=array)),
    "tar": tarred(),
    "gzip": gzip.compress(pickle.dumps(Canary())),
    "bzip2": bz2.compress(pickle.dumps(Canary())),
    "xz": lzma.compress(pickle.dumps(Canary())),
    "a pickle behind a header": (2).to_bytes(8, "little") + b"{}" + pickle.dumps(Canary()),
    "empty": b"",
    "endless header": b"\xff" * 8 + b"{}",
    "header of 2^63 bytes": (2**63).to_bytes(8, "little") + b"{}",
    "no tensors": (2).to_bytes(8, "little") + b"{}",
    "no JSON": (9).to_bytes(8, "little") + b"not JSON!",
    "no metadata": safetensors(),
    "no digest": safetensors({"assay": "{}"}),
    "metadata cut": safetensors({"assay": "0 {"}),
    "metadata no table": safetensors({"assay": "0 3"}),
    "metadata without end": safetensors({"assay": "0 " + "[" * 200_000}),
    "a type that NumPy has not": tensor("F8_E4M3", 1),
}


@pytest.mark.parametrize("kind", STRANGERS)
@pytest.mark.parametrize("read", [load_weights, lambda path: load_progress(path, IDENTITY)])
def test_a_file_of_another_kind_is_refused_and_runs_nothing(kind, read, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "max-3.safetensors"
    path.write_bytes(STRANGERS[kind])
    refused(path, read)
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize("key", IDENTITY)
def test_a_checkpoint_of_another_run_is_refused(path, key):
    with pytest.raises(StoreError, match=f"belongs to {key} {IDENTITY[key]!r}, expected 'other'"):
        load_progress(path, {**IDENTITY, key: "other"})


def test_the_weights_of_a_finished_run_are_no_progress(path):
    save_weights(path, progress().best, IDENTITY)
    assert "holds no unfinished run" in refused(path)


def test_a_checkpoint_that_is_missing_is_missed(tmp_path):
    assert "are missing" in refused(tmp_path / "none", load_weights)
    assert "are missing" in refused(tmp_path, load_weights)


def watch(monkeypatch, calls):
    """Note the calls on which a crash-safe write depends."""
    fsync, replace = os.fsync, os.replace

    def noted_fsync(descriptor):
        calls.append(("fsync", os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}"))))
        fsync(descriptor)

    def noted_replace(source, target):
        calls.append(("replace", os.path.basename(source), os.path.basename(target)))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "replace", noted_replace)


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="asks Linux which file a descriptor is of")
def test_a_write_is_flushed_then_renamed_then_the_folder_is_flushed(tmp_path, monkeypatch):
    calls = []
    watch(monkeypatch, calls)
    save_weights(tmp_path / "weights" / "max-3.safetensors", progress().best, IDENTITY)
    assert calls == [
        ("fsync", tmp_path.name),  # of which "weights" is a new name
        ("fsync", "max-3.tmp"),
        ("replace", "max-3.tmp", "max-3.safetensors"),
        ("fsync", "weights"),
    ]


@pytest.mark.parametrize("step", ["open", "fsync", "replace"])
def test_a_write_that_breaks_off_leaves_the_old_checkpoint(path, step, monkeypatch):
    before = path.read_bytes()

    def full(*_args):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        if step == "open":
            patch.setattr(checkpoints.Path, "open", full)
        else:
            patch.setattr(os, step, full)
        with pytest.raises(
            StoreError, match=r"cannot be written, [\d,]+ bytes needed \(.*No space left on device"
        ):
            save_progress(path, Progress(State({"w": np.zeros(9)}, {})), IDENTITY)
    assert path.read_bytes() == before
    save_progress(path, progress(), IDENTITY)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_a_folder_that_may_not_be_written_into_is_no_full_disk(number, tmp_path, monkeypatch):
    def refused(*_args):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(checkpoints.Path, "open", refused)
    said = rf"cannot be written \({os.strerror(number)}; let \S*weights be written into\)"
    with pytest.raises(StoreError, match=said):
        save_weights(path_of(tmp_path, RunId("max", 0)), progress().best, IDENTITY)


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "weights").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        save_weights(path_of(tmp_path, RunId("max", 0)), progress().best, IDENTITY)


@given(
    st.lists(
        st.tuples(
            st.from_regex(r"[a-z0-9][a-z0-9._-]{0,6}", fullmatch=True), st.integers(0, 99), st.booleans()
        )
    )
)
def test_every_run_has_files_of_its_own(tmp_path_factory, wanted):
    folder = tmp_path_factory.getbasetemp()
    paths = {path_of(folder, RunId(arm, seed), unfinished=part) for arm, seed, part in wanted}
    assert len(paths) == len(set(wanted))
    assert len({path.with_suffix(".tmp") for path in paths}) == len(paths)
    assert {path.parent for path in paths} <= {folder / "weights"}


def test_equal_weights_make_equal_files_in_every_process(tmp_path):
    """safetensors keeps its metadata in a map whose order differs from process to process."""
    script = (
        "import sys, numpy as np; from pathlib import Path;"
        "from assay.store.weights import save_weights;"
        "save_weights(Path(sys.argv[1]), {'a': np.arange(3.0), 'b': np.ones(2)}, {'arm': 'x', 'seed': 1})"
    )
    paths = [tmp_path / f"{count}.safetensors" for count in range(4)]
    for path in paths:
        subprocess.run([sys.executable, "-c", script, str(path)], check=True)
    assert len({path.read_bytes() for path in paths}) == 1


def test_records_that_were_encoded_before_are_read_as_they_are(tmp_path):
    """Epoch by epoch, with those that were kept, and after the run was begun anew."""
    encoded, path = Encoded(), tmp_path / "part"
    for seconds in (1.0, 2.0):
        records = [EpochRecord(epoch, 0.1 * epoch, 0.5, 1.0, 0.5, seconds, 9.0) for epoch in (1, 2, 3)]
        layers = [LayerRecord(epoch, "linear", *[0.5 * epoch] * 7) for epoch in range(4)]
        for epoch in (1, 2, 3):
            found = Progress(State({"w": np.zeros(9)}, {"w": {}}))
            found.history, found.layers = records[:epoch], layers[: epoch + 1]
            save_progress(path, found, IDENTITY, encoded)
            kept = load_progress(path, IDENTITY)
            assert (kept.history, kept.layers) == (found.history, found.layers)
            save_progress(tmp_path / "alone", found, IDENTITY)
            assert (tmp_path / "alone").read_bytes() == path.read_bytes()
