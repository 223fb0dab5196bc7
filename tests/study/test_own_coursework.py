"""Layers in a course's style in a study: made, placed, drawn under a run's seed, or refused in one line."""

from pathlib import Path
from shutil import copy

import pytest
from planted_layers import PLANTED
from tiny import outcome

from assay.errors import ShapeError, StudyError
from assay.nn.network import Network
from assay.running import run as running
from assay.running.plan import make_plan
from assay.running.threads import Threads
from assay.study.builtin import load_study

STYLES = """
import numpy as np
from mlp.course import AffineLayer


class Drawn(AffineLayer):
    def __init__(self, input_dim, output_dim):
        super().__init__(input_dim, output_dim)
        self.weights = np.random.default_rng().normal(0, 0.1, (output_dim, input_dim))


class Keeps:
    def __init__(self, n_in, n_out):
        self.W, self.b = 0.1 * np.random.randn(n_in, n_out), np.zeros(n_out)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW, self.db = self.x.T @ dout, dout.sum(0)
        return dout @ self.W.T


class Wrong(Keeps):
    def backward(self, dout):
        return 1.1 * super().backward(dout)


def relu_forward(x):
    return np.maximum(x, 0), x


def relu_backward(dout, cache):
    return dout * (cache > 0)


def affine_forward(x, w, b):
    return x @ w + b, (x, w)


def affine_backward(dout, cache):
    x, w = cache
    return dout @ w.T, x.T @ dout, dout.sum(0)


NUMBER = 3
"""

FILES = ("mlp/styles.py", "mlp/course.py")
LAYERS = """
{ layer = "Flatten" },
{ layer = "mlp/styles.py:Drawn", input_dim = 196, output_dim = 12 },
{ layer = "mlp/course.py:BatchNormalizationLayer", num_features = 12 },
{ layer = "mlp/styles.py:relu_forward" },
{ layer = "mlp/course.py:DropoutLayer", incl_prob = 0.8 },
{ layer = "mlp/styles.py:Keeps", n_in = 12, n_out = 6 },
"""


@pytest.fixture
def write(tmp_path: Path, characters: str):
    """Write a study of some layers, and the package that they are in."""
    (tmp_path / "mlp").mkdir()
    (tmp_path / "mlp" / "__init__.py").write_text("")
    (tmp_path / "mlp" / "styles.py").write_text(STYLES)
    copy(PLANTED / "course.py", tmp_path / "mlp")

    def written(layers: str = LAYERS, seeds: int = 1) -> Path:
        path = tmp_path / "own.toml"
        one_line = layers.replace("\n", " ")
        path.write_text(
            f'name = "own"\nquestion = "q"\nseeds = {seeds}\nengine = "reference"\n'
            f'optimizer = {{ rule = "Adam", lr = 0.03 }}\ntraining = {{ batch_size = 16, epochs = 4 }}\n'
            f'data = {{ source = "{characters}", train = 150, valid = 40, test = 61 }}\n'
            f'network = {{ family = "Layers", layers = [{one_line}] }}\n'
        )
        return path

    return written


def study(path: Path):
    text = path.read_text()
    return load_study(path, trust=[file for file in FILES if file in text])


def network(path: Path) -> Network:
    return study(path).arms[0].settings.architecture.build((1, 14, 14), 6)


def test_initial_weights_follow_from_the_runs_seed(write):
    found = network(write())
    one, other, again = (found.initialise(seed) for seed in (0, 1, 0))
    for name in ("coursework1.params[0]", "coursework5.W"):
        assert abs(one[name].std() - 0.1) < 0.02
        assert (one[name] != other[name]).all()
        assert (one[name] == again[name]).all()


def test_what_two_layers_are_made_of_tells_them_apart(write):
    same = network(write()).layers == network(write()).layers
    assert same
    assert network(write()).layers != network(write(LAYERS.replace("0.8", "0.9"))).layers


def test_a_wrong_gradient_is_refused_before_training(write):
    with pytest.raises(StudyError, match="Wrong, layer coursework5, input 12: dL/dx: along a random dir"):
        make_plan(study(write(LAYERS.replace("Keeps", "Wrong"))))


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("n_in = 12, ", "", r"the constructor needs n_in \(add n_in = \.\.\. to the layer's table\)"),
        ("n_in = 12", "n_inn = 12, n_in = 12", r"no argument 'n_inn' \(did you mean 'n_in'\?\)"),
        ("n_in = 12", "n_in = 13", r"layer coursework5: .* an input of 12: mlp/styles.py, line 1"),
        ("relu_forward", "affine_forward", "affine_forward: nothing says with which w, b a run starts"),
        ("relu_forward", "NUMBER", "expected a class or a function; got 3"),
        ("relu_forward", "relu_backward", "no function relu_backward_backward beside relu_backward"),
        ("DropoutLayer", "CrossEntropySoftmaxError", "no argument 'incl_prob'"),
        ("DropoutLayer\", incl_prob = 0.8", "CrossEntropySoftmaxError\"", "assay.nn.Layer, or one with"),
    ],
)  # fmt: skip
def test_what_is_not_clear_is_refused_in_one_line(write, old, new, line):
    with pytest.raises((StudyError, ShapeError), match=line) as caught:
        network(write(LAYERS.replace(old, new)))
    assert "\n" not in str(caught.value)


def test_every_style_learns_and_stopped_and_continued_it_gives_the_same_bits(write, tmp_path, forgetful):
    """In processes those of threads."""
    whole_folder, threads = tmp_path / "whole", Threads(2)
    with running.run(study(write(seeds=2)), whole_folder, executor=threads, progress=False) as results:
        whole = outcome(results)
        for run in results.runs:
            first, *_, last = results.epochs(run.id)
            assert last.train_loss < 0.5 * first.train_loss
            assert run.parameters == 196 * 12 + 12 + 2 * 12 + 12 * 6 + 6
    running.run(study(write(seeds=2)), tmp_path / "parts", progress=False, first=1).close()
    forgetful()
    with running.run(study(write(seeds=2)), tmp_path / "parts", progress=False) as results:
        assert results.done == 2
        assert outcome(results) == whole
