"""What ``import assay`` offers, and that it costs nothing."""

import subprocess
import sys

import pytest

import assay

NAMES = [
    "AssayError", "Claim", "ClaimRow", "ConvBlocks", "ConvPool", "DataError", "DataSpec", "Dataset",
    "Dense", "Effect", "Factor", "Findings", "Layers", "Module", "Network", "Plan", "Prediction", "Recipe",
    "ResNet", "Results", "SeedPlan", "ShapeError", "StoreError", "Study", "StudyError", "UnsupportedError",
    "UsageError", "Verdict", "__version__", "builtin_studies", "export_results", "extend",
    "import_results", "load_data", "load_study",
    "make_plan", "nn", "optim", "plan_seeds", "predict", "read", "run", "run_until_resolved",
]  # fmt: skip


def test_the_public_names_are_these():
    """A name that is added, renamed or dropped is a decision: change this list and the changelog with it."""
    assert assay.__all__ == NAMES
    assert dir(assay) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_each_name_is_there_and_described(name: str):
    value = getattr(assay, name)
    assert isinstance(value, str) or value.__doc__


def test_no_module_hides_a_name():
    """Importing the modules behind the names leaves the names what they were."""
    import assay.cli.app
    import assay.findings.prediction
    import assay.running.run

    assert callable(assay.predict)
    assert callable(assay.run)


def test_the_errors_are_one_tree():
    errors = [getattr(assay, name) for name in NAMES if name.endswith("Error")]
    assert all(issubclass(error, assay.AssayError) for error in errors)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        _ = assay.trian


def test_importing_assay_imports_nothing_heavy():
    heavy = ("numpy", "scipy", "numba", "pydantic", "rich")
    code = f"import sys, assay; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
