"""A checkpoint that is whole, and not that of its run as the rows have it, is refused; `doctor` names it."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from math import nan
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from sabotage import fail_at_the_end, spoil
from tiny import outcome, tiny_study

from assay.cli import main
from assay.errors import StoreError
from assay.results import Results
from assay.running.events import EpochEnded, RunEnded
from assay.running.health import examine
from assay.running.run import run
from assay.store.weights import identity_of, path_of
from assay.training.checkpoints import load_progress, save_progress
from assay.training.train import Progress

AGAIN = "remove it, and the run starts again from its first epoch"
EPOCHS = 2


@pytest.fixture(scope="module")
def begun(characters: str, tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A study that was stopped after two epochs of its first run, and what it finds if it is not."""
    folder, study = tmp_path_factory.mktemp("begun"), tiny_study(characters)

    def watch(event: object) -> None:
        if isinstance(event, EpochEnded):
            [checkpoint] = (folder / "out" / "weights").glob("*.part.safetensors")
            shutil.copy(checkpoint, folder / f"epoch-{event.record.epoch}")
            if event.record.epoch == EPOCHS:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(study, folder / "out", workers=1, on_event=watch)
    with run(study, folder / "plain", workers=1, progress=False) as results:
        return SimpleNamespace(study=study, folder=folder, expected=outcome(results))


def forge(folder: Path, change: Callable[[Progress], None]) -> Path:
    """Write the only checkpoint again with a change, by a hand that knows its digests."""
    [path] = (folder / "weights").glob("*.part.safetensors")
    with Results.open(folder) as results:
        [one] = [each.id for each in results.runs if path_of(folder, each.id, unfinished=True) == path]
        identity = identity_of(one, results.header)
    progress = load_progress(path, identity)
    change(progress)
    save_progress(path, progress, identity)
    return path


def epoch(number: int, **changes: object) -> Callable[[Progress], None]:
    def change(progress: Progress) -> None:
        progress.history[number - 1] = replace(progress.history[number - 1], **changes)

    return change


def layer(**changes: object) -> Callable[[Progress], None]:
    return lambda progress: progress.layers.__setitem__(0, replace(progress.layers[0], **changes))


def setting(name: str, value: object) -> Callable[[Progress], None]:
    return lambda progress: setattr(progress, name, value)


def weight(act: Callable[[np.ndarray], np.ndarray]) -> Callable[[Progress], None]:
    def change(progress: Progress) -> None:
        for part in (progress.state.parameters, progress.best):
            part["conv1.weight"] = act(part["conv1.weight"])

    return change


def longer(progress: Progress) -> None:
    last = progress.history[-1]
    progress.history += [replace(last, epoch=last.epoch + more, valid_accuracy=0.0) for more in (1, 2)]
    progress.state.step *= 2


def forgetting(progress: Progress) -> None:
    del progress.state.slots["conv1.weight"]["exp_avg"]


FORGED: dict[str, Callable[[Progress], None]] = {
    "its epoch 2 has valid_loss 9.0, that of the results": epoch(2, valid_loss=9.0),
    "its epoch 1 has train_loss None, that of the results": epoch(1, train_loss=nan),
    "its layers, up to epoch 2, are not those of the results": layer(spread=7.0),
    "was written at step 21, and 2 epochs end at 20": lambda one: setattr(one.state, "step", 21),
    "says that epoch 0 was the best": setting("best_epoch", 0),
    "says that epoch 77 was the best": setting("best_epoch", 77),
    "its best weights are of another network": lambda one: one.best.pop("conv1.weight"),
    "holds 4 epochs, of 3": longer,
    "its parameters have conv1.weight with float64": weight(lambda value: value.astype(np.float64)),
    "its parameters have conv1.weight with float32 (3,": weight(lambda value: value[:3]),
    "its memory of conv1.weight has exp_avg with none": forgetting,
    "its fault is no printable text": setting("fault", "\x1b[31mred"),
    "its fault is no printable": setting("fault", 3),
    "its step and best epoch are not whole numbers": lambda one: setattr(one.state, "step", 20.0),
    "its epoch 2 is none": epoch(2, epoch=5),
    "its epoch 1 is none": epoch(1, valid_loss="1"),
    "the accuracies of its epoch 2 are no shares": epoch(2, valid_accuracy=1.5),
    "its layers are none": layer(layer="\x1b[31mred"),
    "its layers are none ": layer(spread="1"),
}  # fmt: skip
OF_A_NETWORK = ("its memory of",)
"""What only the network shows, which `doctor` does not build."""


@pytest.mark.parametrize("fault", FORGED)
def test_what_disagrees_is_refused_and_named(fault: str, begun: SimpleNamespace, tmp_path: Path):
    folder = tmp_path / "out"
    shutil.copytree(begun.folder / "out", folder)
    path = forge(folder, FORGED[fault])
    with pytest.raises(StoreError) as caught:
        run(begun.study, folder, workers=1, progress=False)
    line = str(caught.value)
    assert line.startswith(f"{path}: ")
    assert fault.strip() in line
    assert line.endswith(f"({AGAIN})")
    assert line.isprintable()
    faults = examine(folder)[1]
    if not fault.startswith(OF_A_NETWORK):
        assert [one for one in faults if str(path) in one], faults


def test_without_what_is_refused_the_run_is_trained_anew(begun: SimpleNamespace, tmp_path: Path):
    folder = tmp_path / "out"
    shutil.copytree(begun.folder / "out", folder)
    forge(folder, FORGED[next(iter(FORGED))]).unlink()
    with run(begun.study, folder, workers=1, progress=False) as results:
        assert outcome(results) == begun.expected


@pytest.mark.parametrize("at", [1, 2])
def test_an_earlier_checkpoint_of_the_run_is_continued(at: int, begun: SimpleNamespace, tmp_path: Path):
    """As from a backup: what follows from it are the rows that are there already."""
    folder = tmp_path / "out"
    shutil.copytree(begun.folder / "out", folder)
    [path] = (folder / "weights").glob("*.part.safetensors")
    shutil.copy(begun.folder / f"epoch-{at}", path)
    assert examine(folder)[1] == []
    with run(begun.study, folder, workers=1, progress=False) as results:
        assert outcome(results) == begun.expected


def test_a_checkpoint_that_is_missing_is_named(begun: SimpleNamespace, tmp_path: Path):
    folder = tmp_path / "out"
    shutil.copytree(begun.folder / "out", folder)
    [path] = (folder / "weights").glob("*.part.safetensors")
    path.unlink()
    assert examine(folder)[1] == [f"{path}: is missing, and the run starts again from its first epoch"]


def test_what_a_layer_raises_reaches_no_terminal_as_it_is(
    characters: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Neither while it happens, nor from the traceback that is kept."""
    spoil(monkeypatch, "reference", lambda session: fail_at_the_end(session, ValueError("\x1b[31mred\n\x07")))
    told = []
    study = tiny_study(characters, seeds=[0])
    run(study, tmp_path / "out", workers=1, on_event=told.append).close()
    messages = [event.record.message for event in told if isinstance(event, RunEnded)]
    assert messages == ["ValueError: \\x1b[31mred"] * 2
    assert main(["status", str(tmp_path / "out"), "--failed"]) == 0
    said = capsys.readouterr()
    assert "\\x1b[31mred" in said.out
    assert not {"\x1b", "\x07"} & {*said.out, *said.err}
