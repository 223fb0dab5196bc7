"""Several files in one process: each check sees its own modules, and leaves the process as it was."""

import os
import random
import sys
import warnings
from textwrap import dedent
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.errors import AssayError, UsageError
from assay.testing.check import check

LAYERS = """
import numpy as np
import numpy_utils
from helpers.scales import scale

class Scale:
    def fprop(self, inputs):
        import late
        return inputs * numpy_utils.FACTOR * scale() * late.ONE

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return grads_wrt_outputs * {factor}

class Broken(Scale):
    def fprop(self, inputs):
        import late
        raise ValueError(numpy_utils.FACTOR)
"""


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text), encoding="utf-8")
    return path


def folder_of(root, name, factor):
    """Write a folder with ``layers.py``, ``numpy_utils.py``, ``late.py`` and a package ``helpers``."""
    write(root / name / "numpy_utils.py", f"FACTOR = {factor}")
    write(root / name / "late.py", "ONE = 1")
    write(root / name / "helpers" / "__init__.py", "from helpers.scales import scale")
    write(root / name / "helpers" / "scales.py", f"def scale(): return {factor}")
    return write(root / name / "layers.py", LAYERS.format(factor=factor**2))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    root = tmp_path_factory.mktemp("several")
    return [folder_of(root, name, factor) for name, factor in (("ann", 2), ("ben", 3), ("cho", 5))]


@settings(max_examples=8)
@given(order=st.lists(st.tuples(st.integers(0, 2), st.booleans()), min_size=2, max_size=5))
def test_each_check_sees_its_own_modules_in_any_order(files, order):
    modules, search = dict(sys.modules), list(sys.path)
    for number, breaks in order:
        if breaks:
            with pytest.raises(UsageError, match=rf"ValueError: {[2, 3, 5][number]} \(layers.py, line 17\)"):
                check(f"{files[number]}:Broken")
        else:
            assert check(f"{files[number]}:Scale", input_shape=(2,)).passed
    assert sys.path == search
    assert sys.modules == modules


def test_a_module_that_was_there_before_is_set_aside_and_back_afterwards(files, monkeypatch):
    for name in ("numpy_utils", "helpers", "helpers.scales", "layers"):
        other = ModuleType(name)
        other.__file__ = f"/elsewhere/{name}.py"
        monkeypatch.setitem(sys.modules, name, other)
    before = dict(sys.modules)
    assert check(f"{files[0]}:Scale", input_shape=(2,)).passed
    assert sys.modules == before


def test_so_are_modules_from_where_the_users_code_looks_for_them(tmp_path):
    write(tmp_path / "shelf" / "borrowed.py", "FACTOR = 3")
    path = write(
        tmp_path / "own" / "layers.py",
        f"""
        import sys
        sys.path = [*sys.path, {str(tmp_path / "shelf")!r}]
        import borrowed

        class Scale:
            def fprop(self, inputs): return inputs * borrowed.FACTOR
            def bprop(self, inputs, outputs, grads_wrt_outputs): return grads_wrt_outputs * 3
        """,
    )
    modules, search = dict(sys.modules), sys.path
    places = list(search)
    assert check(f"{path}:Scale", input_shape=(2,)).passed
    assert sys.modules == modules
    assert sys.path is search
    assert sys.path == places


def test_a_file_that_has_changed_is_read_again(files, tmp_path):
    for factor in (2, 3, 4):
        path = folder_of(tmp_path, f"version{factor}", factor)
        link = tmp_path / "current"
        link.unlink(missing_ok=True)
        link.symlink_to(path.parent)
        assert check(f"{link / 'layers.py'}:Scale", input_shape=(2,)).passed


def test_libraries_that_were_loaded_stay(tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "this", raising=False)
    path = write(
        tmp_path / "layers.py",
        """
        import contextlib, io
        with contextlib.redirect_stdout(io.StringIO()):
            import this

        class Same:
            def fprop(self, inputs): return inputs
            def bprop(self, inputs, outputs, grads_wrt_outputs): return grads_wrt_outputs
        """,
    )
    check(f"{path}:Same", input_shape=(2,))
    assert "this" in sys.modules
    del sys.modules["this"]


def test_a_library_that_assay_runs_on_is_not_taken_from_the_folder(tmp_path):
    write(tmp_path / "numpy.py", "raise ImportError('not this one')")
    (tmp_path / "scipy").mkdir()
    write(tmp_path / "types.py", "class Same: pass")
    path = write(
        tmp_path / "random.py",
        """
        import numpy as np
        import types

        class Same:
            def fprop(self, inputs): return np.array(inputs)
            def bprop(self, inputs, outputs, grads_wrt_outputs): return grads_wrt_outputs
        """,
    )
    before = sys.modules["random"]
    assert check(f"{path}:Same", input_shape=(2,)).passed
    assert sys.modules["random"] is before


PACKAGE = {
    "__init__.py": "SEED = 1",
    "initialisers.py": "FACTOR = {factor}",
    "absolute.py": """
        import mlp.initialisers as init
        class Scale:
            def fprop(self, inputs): return init.FACTOR * inputs
            def bprop(self, inputs, outputs, grads_wrt_outputs): return {factor} * grads_wrt_outputs
        """,
    "inner/__init__.py": "",
    "inner/relative.py": """
        from .. import SEED, initialisers
        from mlp.absolute import Scale as Absolute
        class Scale(Absolute):
            def fprop(self, inputs): return SEED * initialisers.FACTOR * inputs
        """,
    "beside.py": """
        import initialisers
        from absolute import Scale as Absolute
        class Scale(Absolute):
            def fprop(self, inputs): return initialisers.FACTOR * inputs
        """,
}


@pytest.mark.parametrize("name", ["absolute.py", "inner/relative.py", "beside.py"])
def test_a_file_in_a_package_imports_from_it_by_name_relatively_and_from_beside(tmp_path, monkeypatch, name):
    modules = dict(sys.modules)
    for factor in (2, 3):
        for part, text in PACKAGE.items():
            write(tmp_path / str(factor) / "mlp" / part, dedent(text).format(factor=factor))
        assert check(f"{tmp_path / str(factor) / 'mlp' / name}:Scale", input_shape=(2,)).passed
    monkeypatch.chdir(tmp_path / "2" / "mlp" / "inner")
    assert check("relative.py:Scale", input_shape=(2,)).passed
    assert sys.modules == modules


def test_settings_of_the_process_are_what_they_were(tmp_path):
    path = write(
        tmp_path / "layers.py",
        """
        import os, random, warnings
        import numpy as np
        np.random.seed(1)
        random.seed(1)
        np.seterr(all="raise")
        warnings.simplefilter("ignore")
        os.chdir(os.path.dirname(os.path.abspath(__file__)))

        class Same:
            def fprop(self, inputs): return inputs
            def bprop(self, inputs, outputs, grads_wrt_outputs): return grads_wrt_outputs
        """,
    )

    def now():
        shared = np.random.get_state()  # noqa: NPY002
        return random.getstate(), shared[1].tolist(), np.geterr(), list(warnings.filters), os.getcwd()

    before = now()
    check(f"{path}:Same", input_shape=(2,))
    assert now() == before


def test_an_error_of_the_package_is_one_line(tmp_path):
    write(tmp_path / "mlp" / "__init__.py", "import not_there_at_all")
    path = write(tmp_path / "mlp" / "layers.py", "class Same: pass")
    with pytest.raises(AssayError, match="ModuleNotFoundError: No module named 'not_there_at_all'") as caught:
        check(f"{path}:Same")
    assert "\n" not in str(caught.value)
