"""MedMNIST's sets are read from where its package puts them, with its names; the package is stood in for."""

import sys
from types import ModuleType

import numpy as np
import pytest
from own_files import coloured, opened, refusal

INFO = {
    "pathmnist": {"task": "multi-class", "label": {str(k): f"tissue {k}" for k in range(4)}},
    "chestmnist": {"task": "multi-label, binary-class", "label": {}},
    "organmnist3d": {"task": "multi-class", "label": {}},
}


@pytest.fixture
def package(monkeypatch, tmp_path):
    info = ModuleType("medmnist.info")
    info.INFO = INFO
    monkeypatch.setitem(sys.modules, "medmnist", ModuleType("medmnist"))
    monkeypatch.setitem(sys.modules, "medmnist.info", info)
    monkeypatch.setenv("MEDMNIST", str(tmp_path))
    return tmp_path


def test_a_set_with_its_names(package):
    arrays = {}
    for seed, part in enumerate(("train", "val", "test")):
        images, labels = coloured(seed=seed)
        arrays |= {f"{part}_images": images, f"{part}_labels": labels[:, None].astype(np.uint8)}
    np.savez_compressed(package / "pathmnist.npz", **arrays)
    source = opened("medmnist/pathmnist")
    assert source.classes == ("tissue 0", "tissue 1", "tissue 2", "tissue 3")
    np.testing.assert_array_equal(source.valid.images, coloured(seed=1)[0])


def test_what_is_not_there(package, monkeypatch):
    assert "pathmnist.npz is not there (python -m medmnist save --flag=pathmnist" in refusal(
        "medmnist/pathmnist"
    )
    assert "did you mean 'pathmnist'" in refusal("medmnist/patmnist")
    assert "has several labels an image" in refusal("medmnist/chestmnist")
    monkeypatch.setitem(sys.modules, "medmnist.info", None)
    assert "its package is not installed" in refusal("medmnist/pathmnist")
