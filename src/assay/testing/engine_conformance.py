"""The tests that every engine passes, to be run on one's own.

With pytest, a subclass is all there is to write::

    class TestMyEngine(EngineConformance):
        engine = MyEngine()

The reference engine says what is right: it runs `assay.nn` as it stands.
"""

from collections.abc import Sequence

import numpy as np

from assay.engines.base import EVALUATION_BATCH, Engine, Images, Labels, Recipe, Session, State, initial_state
from assay.engines.reference import ReferenceEngine
from assay.nn import BatchNorm1d, Conv2d, Dropout, Flatten, Linear, MaxPool2d, ReLU
from assay.nn.network import Network
from assay.optim import SGD, Adam
from assay.optim.augment import Shift
from assay.optim.penalties import L2
from assay.optim.schedules import CosineAnnealingLR
from assay.shapes import Array, of_images
from assay.streams import stream
from assay.testing.conformance import expect

NETWORKS = (
    Network((Flatten(), Linear(6), ReLU(), Linear(5)), (1, 8, 8)),
    Network((Conv2d(3, 3), ReLU(), MaxPool2d(2), Flatten(), Linear(5)), (1, 8, 8)),
    Network((Flatten(), Linear(6), BatchNorm1d(), ReLU(), Dropout(0.3), Linear(5)), (1, 8, 8)),
    Network((Conv2d(3, 3), ReLU(), Flatten(), Linear(5)), (3, 6, 9)),
)
"""A network of vectors, one of maps, one with buffers and masks, and one of images in colour; 5 classes."""

RECIPES = (
    Recipe(SGD(0.1), batch_size=8, epochs=3, dtype="float64"),
    Recipe(
        Adam(
            0.01, weight_decay=0.01, eps=1e-3
        ),  # a smaller eps turns rounding into steps where a root vanishes
        batch_size=7,
        epochs=3,
        dtype="float64",
        schedule=CosineAnnealingLR(2, 0.1),
        penalties=(L2(0.01),),
        augment=(Shift(1),),
    ),
)
"""A plain recipe, and one with memory, a schedule, a penalty, augmentation and a short last batch."""

EXAMPLES = 30
SEED = 7


class EngineConformance:
    """Tests of the contract of `assay.engines.base.Engine`; a subclass gives the engine.

    Recipes are in float64, where engines may differ by rounding alone. Where
    the engine lacks something of a network or recipe, it is not tried; one pair
    at least must be left.
    """

    engine: Engine
    networks: Sequence[Network] = NETWORKS
    recipes: Sequence[Recipe] = RECIPES
    tolerance: float = 1e-9
    """How far a value may be from the reference's, relative to the largest of its array, or to 0.1."""

    def test_something_is_tried(self) -> None:
        """The engine has all that some network and recipe need."""
        expect(bool(self._pairs()), f"engine {self.engine.name!r} lacks something of every network or recipe")

    def test_agrees_with_the_reference(self) -> None:
        """Two epochs end in the reference's state and scores."""
        for network, recipe in self._pairs():
            found = self._trained(self.engine, network, recipe)
            expected = self._trained(ReferenceEngine(), network, recipe)
            values = _values(expected.states()[0])
            for name, value in _values(found.states()[0]).items():
                self._expect_near(name, value, values[name])
            images, labels = examples(network, 11)
            self._expect_near("scores", found.scores(images)[0], expected.scores(images)[0])
            own, right = found.evaluate(images, labels)[0], expected.evaluate(images, labels)[0]
            self._expect_near("loss", np.array(own.loss), np.array(right.loss))

    def test_keeps_the_scores_that_it_evaluated(self) -> None:
        """Scores that are kept are those of the batches, bit for bit; nothing else changes."""
        for network, recipe in self._pairs():
            session = self._trained(self.engine, network, recipe, epochs=(1,))
            images, labels = examples(network, EVALUATION_BATCH + 3)
            (kept,) = session.evaluate(images, labels, keep_scores=True)
            (plain,) = session.evaluate(images, labels)
            parts = images[:EVALUATION_BATCH], images[EVALUATION_BATCH:]
            scores = np.concatenate([session.scores(part)[0] for part in parts])
            equal = kept.scores is not None and np.array_equal(kept.scores, scores)
            expect(equal, "evaluate keeps other scores than `scores` gives")
            expect(plain.scores is None, "scores are kept although nobody asked for them")
            same = kept.loss == plain.loss and np.array_equal(kept.predicted, plain.predicted)
            expect(same, "an evaluation that keeps its scores finds something else")

    def test_resumes_bit_for_bit(self) -> None:
        """A session opened with the state after an epoch goes on as one that was never closed."""
        for network, recipe in self._pairs():
            (half,) = self._trained(self.engine, network, recipe, epochs=(1,)).states()
            resumed = self._trained(self.engine, network, recipe, epochs=(2,), state=half).states()[0]
            whole = self._trained(self.engine, network, recipe).states()[0]
            expect(resumed.step == whole.step, f"resumed at step {resumed.step}, not {whole.step}")
            _expect_equal("a resumed run", resumed, whole)

    def test_states_are_copies(self) -> None:
        """Training changes no state that was handed out or taken in; writing to one changes no session."""
        for network, recipe in self._pairs():
            start = initial_state(network, recipe, SEED)
            session = self._trained(self.engine, network, recipe, epochs=(1,), state=start)
            _expect_equal("the state of a beginning", start, initial_state(network, recipe, SEED))
            (handed,) = session.states()
            kept = handed.copy()
            session.train_epoch(*examples(network), 2, _ignore)
            _expect_equal("a state that was handed out", handed, kept)
            (after,) = session.states()
            for value in _values(session.states()[0]).values():
                value[...] = 0
            _expect_equal("a session whose state was written to", session.states()[0], after)

    def test_steps_are_counted(self) -> None:
        """The state counts steps; what an epoch reports of them rises, and never beyond its number."""
        for network, recipe in self._pairs():
            reported: list[int] = []
            session = self._open(self.engine, network, recipe, initial_state(network, recipe, SEED))
            images, labels = examples(network, 12 * recipe.batch_size)
            session.train_epoch(images, labels, 1, reported.append)
            steps = recipe.steps(len(labels))
            expect(session.states()[0].step == steps, f"after {steps} steps: {session.states()[0].step}")
            expect(bool(reported), f"no steps reported of {steps}")
            expect(reported == sorted(set(reported)), f"reported steps do not rise: {reported}")
            expect(reported[0] >= 1 and reported[-1] <= steps, f"{reported} reported of {steps} steps")

    def test_the_same_run_is_the_same_bits(self) -> None:
        """Evaluation leaves no trace, and two sessions of one seed agree bit for bit."""
        for network, recipe in self._pairs():
            first = self._trained(self.engine, network, recipe, epochs=(1,))
            first.evaluate(*examples(network, 11))
            first.train_epoch(*examples(network), 2, _ignore)
            _expect_equal(
                "an equal run",
                first.states()[0],
                self._trained(self.engine, network, recipe).states()[0],
            )

    def test_says_what_a_run_takes(self) -> None:
        """A run's memory is at least that of its parameters; runs and sessions at once are 1 or more."""
        for network, recipe in self._pairs():
            memory = self._trained(self.engine, network, recipe, epochs=(1,)).memory()
            least = network.parameter_count * np.dtype(recipe.parameter_dtype).itemsize
            expect(memory >= least, f"a run takes {memory} bytes, its parameters alone {least}")
        expect(self.engine.runs_per_session >= 1, f"runs_per_session is {self.engine.runs_per_session}")
        expect(self.engine.sessions_at_once >= 1, f"sessions_at_once is {self.engine.sessions_at_once}")

    def _pairs(self) -> list[tuple[Network, Recipe]]:
        """Return the networks and recipes that the engine has all for."""
        return [
            (network, recipe)
            for network in self.networks
            for recipe in self.recipes
            if not self.engine.missing(network, recipe)
        ]

    def _open(self, engine: Engine, network: Network, recipe: Recipe, state: State) -> Session:
        return engine.session(network, recipe, [SEED], [state])

    def _trained(
        self,
        engine: Engine,
        network: Network,
        recipe: Recipe,
        epochs: Sequence[int] = (1, 2),
        state: State | None = None,
    ) -> Session:
        session = self._open(engine, network, recipe, state or initial_state(network, recipe, SEED))
        for epoch in epochs:
            session.train_epoch(*examples(network), epoch, _ignore)
        return session

    def _expect_near(self, name: str, found: Array, expected: Array) -> None:
        scale = max(0.1, float(np.abs(expected).max()))
        error = float(np.abs(found - expected).max()) / scale
        expect(error <= self.tolerance, f"{name} is off by {error:.2g} of its largest entry")


def examples(network: Network, count: int = EXAMPLES) -> tuple[Images, Labels]:
    """Draw images of the network's input size, with labels."""
    random = stream(0, "conformance")
    images = random.integers(0, 256, (count, *of_images(network.input_shape)), dtype=np.uint8)
    return images, random.integers(0, network.output_shape[0], count)


def _ignore(steps: int) -> None:
    del steps


def _values(state: State) -> dict[str, Array]:
    slots = {f"{name} {key}": slot for name, own in state.slots.items() for key, slot in own.items()}
    return {**state.weights, **slots}


def _expect_equal(what: str, found: State, expected: State) -> None:
    """Expect the same arrays, bit for bit."""
    values, others = _values(found), _values(expected)
    expect(values.keys() == others.keys(), f"{what} has {sorted(values)}, not {sorted(others)}")
    for name, value in values.items():
        same = value.dtype == others[name].dtype and np.array_equal(value, others[name])
        expect(bool(same), f"{what} differs in {name}")
