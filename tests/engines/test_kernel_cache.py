"""Code that cannot be kept, or was kept and is damaged, is compiled anew."""

import os
from pathlib import Path
from typing import Any

import pytest
from numba import types
from numba.core import caching, config

from assay.engines.kernel_cache import is_kept, kept

SIGNATURE = types.int64(types.int64)


def compiled() -> Any:
    """Compile a function as a new process would."""

    def more(x):  # type: ignore[no-untyped-def]
        return x + 1

    kernel = kept(nogil=True)(more)
    kernel.known = is_kept(kernel, SIGNATURE)
    kernel.compile(SIGNATURE)
    assert kernel(41) == 42
    return kernel


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))
    return tmp_path


def files(folder: Path, ending: str) -> list[Path]:
    return sorted(folder.rglob(f"*.{ending}"))


def test_what_was_kept_is_loaded(folder: Path):
    assert not compiled().known
    again = compiled()
    assert again.known
    assert again.stats.cache_hits
    assert not again.stats.cache_misses


@pytest.mark.parametrize("ending", ["nbi", "nbc"])
@pytest.mark.parametrize("content", [b"", b"\x80\x04cut", b"no pickle", None], ids=ascii)
def test_what_is_damaged_is_compiled_and_kept_anew(ending: str, content: bytes | None, folder: Path):
    """As where a power cut left an index or an entry without its bytes."""
    compiled()
    [file] = files(folder, ending)
    file.write_bytes(file.read_bytes()[:-20] if content is None else content)
    assert compiled().stats.cache_misses
    assert compiled().stats.cache_hits


def test_a_disk_that_is_full_keeps_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        assert compiled().stats.cache_misses
    assert files(folder, "nbc") == []
    assert compiled().stats.cache_misses
    assert compiled().stats.cache_hits


def test_without_a_folder_nothing_is_kept(monkeypatch: pytest.MonkeyPatch):
    def refused(*_: object) -> None:
        raise OSError(13, "Permission denied")

    monkeypatch.setattr(caching._CacheLocator, "ensure_cache_path", refused)
    assert not compiled().known
    assert not compiled().known
