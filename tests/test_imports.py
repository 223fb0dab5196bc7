"""The order of the house: few rooms, imports that point down, libraries at home, one name for one thing."""

import ast
import subprocess
import sys
from collections import defaultdict

import pytest
from house import (
    FACE,
    MODULES,
    PAGE,
    ROOMS,
    SOURCE,
    UPWARDS,
    circle,
    drawing,
    drawn,
    files,
    known,
    tree,
    upwards,
)

MOST = 22
"""Names at the top of the package: as many as can be taken in at a glance."""

NO_ROOM = {"__init__", "__main__", "py", "sklearn", "__pycache__"}

HOMES = {
    "torch": {
        "engines/torch",
        "bench/peers/eager",
        "bench/peers/script",
        "bench/peers/torch_model",
        "bench/peers/vmapped",
    },
    "jax": {"bench/peers/functional", "bench/peers/jax_vmapped"},
    "keras": {"bench/peers/keras_fit"},
    "numba": {
        "engines/numba",
        "engines/registers",
        "engines/control_register",
        "engines/kernel_cache",
        "nn/convolution/compiled",
    },
    "onnx": {"exchange/onnx_model", "exchange/onnx_operators"},
    "pyarrow": {
        "data/readers/parquet_column",
        "data/readers/parquet_file",
        "data/readers/parquet_pages",
        "exchange/tidy",
    },
    "tensorboard": {"exchange/tensorboard_events"},
    "mlflow": {"exchange/mlflow_runs"},
    "sklearn": {"exchange/classifier"},
    "sqlite3": {"store"},
    "safetensors": {"store/weights"},
    "typer": {"cli"},
    "starlette": {"view"},
    "uvicorn": {"view/server"},
    "pydantic": {"study/tables"},
    "ray": {"running/cluster"},
    "pickle": set(),
    "medmnist": {"data/readers/medmnist_set"},
}
"""The files and folders that alone import a library."""

MEANS_THE_SAME = {
    "app": ("cli view", "what the folder offers, put together"),
    "base": ("engines optim", "the class that all in the folder derive from"),
    "bench": ("bench cli", "the command for the room"),
    "build": ("engines.numba engines.torch", "from a network's layers to what computes them"),
    "check": ("testing cli", "the command for checking a layer"),
    "checks": ("study store", "what is checked of a study, and of a store, when it is read"),
    "contract": ("nn.convolution store", "what each implementation in the folder fulfils"),
    "convolution": (
        "nn engines.numba engines.torch bench",
        "the layer, each engine's, and its measurement",
    ),
    "data": ("data cli", "the command for the room"),
    "dropout": ("nn engines.numba", "the layer, as the engine computes it"),
    "exchange": ("exchange cli", "the commands for the room"),
    "engine": ("engines.numba engines.torch", "the folder's engine"),
    "examples": ("data engines.numba engines.torch", "examples in memory, and as each engine reads them"),
    "factorial": ("stats findings", "the statistics of factors, and what a study finds by them"),
    "findings": ("findings findings.findings", "the room and what it returns"),
    "layout": ("engines.numba engines.torch", "how an engine's values lie in memory"),
    "linear": ("nn engines.numba engines.torch", "the layer, as each engine computes it"),
    "live": ("running.progress view", "a study while it runs: in a terminal, on the page"),
    "normalisation": (
        "engines.numba engines.numba.kernels engines.torch",
        "batch normalisation, as each engine computes it",
    ),
    "penalties": ("optim engines.torch", "the penalties, as the engine computes them"),
    "plan": ("running cli", "the command for planning"),
    "pooling": ("engines.numba engines.torch bench.peers", "pooling, as each engine and peer computes it"),
    "rows": ("running cli", "rows of tables: of the store, and of what is printed"),
    "rules": ("engines.numba engines.torch", "the learning rules, as each engine computes them"),
    "run": ("running cli", "the command for running"),
    "settings": ("study cli", "the settings of a study, and how the command line reads them"),
    "study": ("study study.study", "the room and what it is about"),
    "text": ("report cli", "text for a terminal or a pipe, and that of the commands"),
    "training": ("training bench", "training, and its measurement"),
    "view": ("view cli", "the command for the room"),
    "winograd": ("engines.numba engines.numba.kernels", "where Winograd's tiles lie, and their kernels"),
}
"""Names that several modules have because they mean the same: the folders, or packages, and what it is."""

CLASSES_THAT_MEAN_THE_SAME = {
    "Constant": ("nn.init optim.schedules", "one value throughout, for weights and for a learning rate"),
    "Examples": ("engines.numba.examples engines.torch.examples", "what the folder's sessions train on"),
    "Rule": (
        "engines.numba.rules engines.torch.rules",
        "a learning rule, as the engine computes it",
    ),
}


def test_what_stands_at_the_top_can_be_taken_in_at_a_glance():
    names = {path.name.partition(".")[0] for path in SOURCE.iterdir()} - NO_ROOM
    assert names == set(ROOMS)
    assert len(names) <= MOST


def test_a_room_holds_more_than_one_file():
    folders = {path.parent for path in MODULES.values()}
    lonely = [
        folder
        for folder in folders
        if len([path for path in folder.iterdir() if path.stem not in NO_ROOM]) < 2
    ]
    assert lonely == []


def test_no_import_is_relative():
    assert [module for module, found in known().items() if any(name.startswith(".") for name in found)] == []


def test_imports_point_down():
    """Those in functions and strings too; what is left to mend is named, and to be struck out when mended."""
    assert upwards() == UPWARDS


def test_no_files_import_each_other_in_a_circle():
    assert circle(files(), UPWARDS) == []


def test_none_but_the_command_line_looks_at_the_house_from_outside():
    """It asks for the version."""
    assert {module for module, found in files().items() if found & FACE} == {"assay.cli.app"}


def at_home(module: str, places: set[str]) -> bool:
    path = module.removeprefix("assay.").replace(".", "/")
    return any(path == place or path.startswith(f"{place}/") for place in places)


@pytest.mark.parametrize("library", HOMES)
def test_a_library_is_imported_at_home_alone(library):
    importing = {
        module for module, found in known().items() if library in {name.split(".")[0] for name in found}
    }
    assert {module for module in importing if not at_home(module, HOMES[library])} == set()
    idle = {place for place in HOMES[library] if not any(at_home(module, {place}) for module in importing)}
    assert idle == set()


def several(found: dict[str, set[str]]) -> dict[str, set[str]]:
    """Return the names that stand in several places, with these."""
    return {name: places for name, places in found.items() if len(places) > 1}


def allowed(table: dict[str, tuple[str, str]]) -> dict[str, set[str]]:
    return {name: {f"assay.{place}" for place in places.split()} for name, (places, _) in table.items()}


def test_a_module_has_a_name_of_its_own():
    """A name that comes back means the same: the table says what."""
    found = defaultdict(set)
    for module in MODULES.keys() - FACE:
        found[module.rpartition(".")[2]].add(module)
    expected = {
        name: {place if place.endswith(f".{name}") else f"{place}.{name}" for place in places}
        for name, places in allowed(MEANS_THE_SAME).items()
    }
    assert several(found) == expected


def test_a_public_class_has_a_name_of_its_own():
    found = defaultdict(set)
    for module in MODULES:
        for node in tree(module).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].add(module)
    assert several(found) == allowed(CLASSES_THAT_MEAN_THE_SAME)


def test_the_drawing_of_the_house_is_what_the_code_says():
    assert drawn(PAGE.read_text("utf-8")) == drawing(), "draw it anew: python tests/helpers/house.py"


def test_the_rules_have_something_to_look_at():
    """Imports in functions, in strings and in the table of public names are seen."""
    assert "assay.engines.numba" in known()["assay.engines.choice"]
    assert "assay.engines.numba" not in known(delayed=False)["assay.engines.choice"]
    assert "assay.nn.convolution.loops" in known()["assay.nn.convolution"]
    assert "assay.running.run" in known()["assay"]
    assert circle({"a": frozenset({"b"}), "b": frozenset({"c"}), "c": frozenset({"a"})}, frozenset()) != []


def test_running_a_study_loads_no_library_that_it_does_not_use():
    code = "import sys, assay.running.run; print(*sorted(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(shown.stdout.split())
    assert "assay.running.run" in loaded
    assert loaded.isdisjoint({"torch", "numba", "matplotlib", "pandas", "typer", "jinja2", "PIL"})
