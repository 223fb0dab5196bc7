"""Data that lies elsewhere or in memory, is named relative to a study file, or is divided for every seed."""

import gc
import shutil
import weakref
from pathlib import Path

import numpy as np
import pytest
from factories import make_results, make_study
from tiny import outcome, tiny_study, tiny_tables

import assay
from assay.data import Dataset, DataSpec, Split, load
from assay.errors import StoreError
from assay.findings.inside import look_inside
from assay.findings.trained import load_test
from assay.results import Results
from assay.running.extend import extend
from assay.running.run import run
from assay.running.until_resolved import run_until_resolved
from assay.study.builtin import load_study

QUICK = {"training": {"epochs": 1}, "seeds": [0]}


def moved(characters: str, folder: Path) -> str:
    shutil.copytree(characters.removeprefix("idx:"), folder)
    return f"idx:{folder}"


def test_a_folder_goes_on_where_the_same_bytes_lie_elsewhere(characters: str, tmp_path: Path):
    first = moved(characters, tmp_path / "first")
    study = tiny_study(first, seeds=[0, 1], training={"epochs": 1})
    run(study, tmp_path / "out", first=1).close()
    shutil.move(tmp_path / "first", tmp_path / "second")
    with run(
        tiny_study(f"idx:{tmp_path}/second", seeds=[0, 1], training={"epochs": 1}), tmp_path / "out"
    ) as results:
        assert results.done == results.total == 4
        assert results.study.data.source == first
        assert results.data.source == f"idx:{tmp_path}/second"
        assert len(load_test(results)) == results.header.sizes["test"]
        found = outcome(results)
    shutil.move(tmp_path / "second", tmp_path / "third")  # and so does a finished one
    again = tiny_study(f"idx:{tmp_path}/third", seeds=[0, 1], training={"epochs": 1})
    with run(again, tmp_path / "out") as results:
        assert outcome(results) == found
        assert results.data.source == f"idx:{tmp_path}/third"
    with extend(tmp_path / "out", 3) as results:
        assert results.done == 6
    unbroken = tiny_study(characters, seeds=[0, 1], training={"epochs": 1})
    with run(unbroken, tmp_path / "unbroken") as results:
        assert outcome(results) == found


def test_other_bytes_are_another_study(characters: str, tmp_path: Path):
    run(tiny_study(characters, **QUICK), tmp_path / "out").close()
    other = moved(characters, tmp_path / "other")
    path = tmp_path / "other" / "t10k-images-idx3-ubyte"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"with other settings, data\.source"):
        run(tiny_study(other, **QUICK), tmp_path / "out")


def test_a_relative_path_is_relative_to_the_study_file(characters: str, tmp_path: Path, monkeypatch):
    moved(characters, tmp_path / "studies" / "set")
    study = tiny_study("idx:set?prefix=", **QUICK)
    (tmp_path / "studies" / "a.toml").write_text(study.to_toml())
    monkeypatch.chdir(tmp_path)
    found = load_study("studies/a.toml")
    assert found.data.source == "idx:studies/set?prefix="
    results = run(found, "out")
    results.close()
    monkeypatch.chdir("/")
    with Results.open(tmp_path / "out") as results:
        assert results.data.source == f"idx:{tmp_path}/studies/set?prefix="
        assert len(load_test(results)) == results.header.sizes["test"]
    monkeypatch.chdir(tmp_path / "studies")
    assert load_study("a.toml").data.source == "idx:set?prefix="
    with run(load_study("a.toml"), "../out") as again:  # from there the same data has another relative path
        assert outcome(again)
    text = study.to_toml()
    Path("a.toml").write_text(text.replace("epochs = 1", "epochs = 2"))
    with pytest.raises(StoreError, match=r"other settings, training\.epochs: 1 there, 2 now"):
        run(load_study("a.toml"), "../out")
    Path("a.toml").write_text(text.replace("seeds = 1", "seeds = 2"))
    with pytest.raises(StoreError, match=r"holds this study with 1 seed, fewer than the 2 asked for"):
        run(load_study("a.toml"), "../out")
    moved(characters, tmp_path / "other")
    Path("a.toml").write_text(text.replace("epochs = 1", "epochs = 2").replace("idx:set", "idx:../other"))
    with pytest.raises(StoreError, match=r"other settings, training\.epochs"):
        run(load_study("a.toml"), "../out")
    absolute = {**tiny_tables(characters, **QUICK)}
    assert assay.load_study(absolute).data.source == characters


def test_arrays_are_trained_on(characters: str, tmp_path: Path):
    stored = load(DataSpec(characters))
    data = assay.Dataset.from_arrays(
        stored.train.images, stored.train.labels, test=(stored.test.images, stored.test.labels)
    )
    study = tiny_study("glyphs", **QUICK)
    with assay.run(study, tmp_path / "out", data=data) as results:
        assert results.study.data.source == "array"
        assert results.header.data_digest == data.digest
        assert results.at_hand.test.images.tobytes() == stored.test.images.tobytes()
        found = outcome(results)
    with assay.run(study, tmp_path / "out", data=data) as results:
        assert outcome(results) == found


@pytest.mark.parametrize("call", [run, run_until_resolved])
@pytest.mark.parametrize("source", ["glyphs", "folder"])
def test_what_was_trained_on_is_not_loaded_again_to_report(call, source, characters, tmp_path, monkeypatch):
    """Of the data set the test images are kept, and their memory holds no others."""
    loaded = []

    def loading(spec: DataSpec) -> Dataset:
        assert not loaded
        found = load(spec)
        parts = found.train, found.valid, found.test
        owners = {id(memory): memory for memory in map(owner, parts)}.values()
        loaded.extend(weakref.ref(memory) for memory in owners if memory.size > found.test.images.size)
        return found

    monkeypatch.setattr("assay.running.run.load", loading)
    monkeypatch.setattr("assay.findings.trained.load", lambda spec: pytest.fail("loaded again"))
    drawn = {"source": "glyphs", "train": 200, "valid": 50, "test": 61}
    data = drawn if source == "glyphs" else {"source": characters}
    study = tiny_study(characters, margin=90.0, data=data, seeds=3, looks=[3], training={"epochs": 1})
    with call(study, tmp_path / "out") as results:
        assert look_inside(results).missing == ""
        assert look_inside(results.at_look()).confusion is not None
        gc.collect()
        assert loaded
        assert [memory for memory in loaded if memory() is not None] == []


def owner(part: Split) -> np.ndarray:
    """Return the array in whose memory a part's images lie."""
    images = part.images
    while isinstance(images.base, np.ndarray):
        images = images.base
    return images


def test_every_seed_has_images_of_its_own_and_both_arms_share_them(characters: str, tmp_path: Path):
    data = {"source": characters, "train": 60, "valid": 40, "test": 61, "split": "per-seed"}
    study = tiny_study("glyphs", data=data, seeds=[0, 1, 2], training={"epochs": 2})
    with run(study, tmp_path / "out", workers=2) as results:
        found = outcome(results)
    whole = load(study.data)
    for seed in (0, 2):  # each as if it were a study of its own on the images of its seed
        own = whole.for_seed(seed)
        alone = tiny_study("glyphs", data={**data, "split": "fixed"}, seeds=[seed], training={"epochs": 2})
        with run(alone, tmp_path / f"alone{seed}", data=own) as results:
            for run_id in [record.id for record in results.runs]:
                assert outcome(results)[run_id, "weights"] == found[run_id, "weights"]
                assert outcome(results)[run_id, "epochs"] == found[run_id, "epochs"]
    with run(study, tmp_path / "again", first=1) as results:
        assert results.done == 2
    with run(study, tmp_path / "again", workers=1) as results:
        assert outcome(results) == found


def test_a_fixed_split_is_never_taken_for_one_per_seed(characters: str, tmp_path: Path):
    fixed = tiny_study(characters, **QUICK)
    run(fixed, tmp_path / "fixed").close()
    anew = tiny_study(characters, **QUICK, data={"split": "per-seed"})
    messages = []
    with run(anew, tmp_path / "anew", reuse=tmp_path / "fixed", on_event=messages.append) as results:
        assert results.done == 2
    assert any(type(message).__name__ == "EpochEnded" for message in messages)


def test_what_a_verdict_speaks_of_is_said(tmp_path: Path):
    data = {"source": "glyphs", "split": "per-seed", "groups": "writer"}
    with make_results(tmp_path / "anew", make_study(data=data)) as results:
        said = " ".join(results.findings().limits)
    assert (
        "new training seeds, each with a new division into training and validation images, on these" in said
    )
    assert "Images of one writer are all on one side" in said
    with make_results(tmp_path / "fixed", make_study()) as results:
        said = " ".join(results.findings().limits)
    assert "new training seeds on these" in said
    assert "on one side" not in said
