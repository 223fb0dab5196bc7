"""What the pages tell a reader to do works, and prints what they say."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from blocks import ROOT, blocks, commands, save, without_times

from assay.cli import main
from assay.data import DataSpec, load
from assay.running.plan import Plan, make_plan
from assay.study.builtin import load_study

PAGES = ("README.md", "docs/own-layer.md", "docs/styles.md")
COMMANDS = [(page, *command) for page in PAGES for command in commands(page)]
PROCESSES = [
    (page, words, shown) for page, words, shown in COMMANDS if page == "README.md" or words[0] != "assay"
]
"""Commands that are started as a reader does; a process for each of the others would say no more."""
CHECKS = [command for command in COMMANDS if command not in PROCESSES]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in which the reader follows a page."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def command_line(words: list[str]) -> list[str]:
    """Return the command as this Python runs it, without what this machine's settings add."""
    options = ["-p", "no:cacheprovider", "-c", "/dev/null"] if words[0] == "pytest" else []
    return [sys.executable, "-m", *words, *options]


@pytest.mark.parametrize(
    ("page", "words", "shown"), PROCESSES, ids=[" ".join(words) for _, words, _ in PROCESSES]
)
def test_a_command_prints_what_the_page_shows(page: str, words: list[str], shown: str, folder: Path):
    save(page, folder)
    done = subprocess.run(command_line(words), capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert without_times(done.stdout) == without_times(shown)
    assert done.returncode == ("wrong" in shown)


@pytest.mark.parametrize(("page", "words", "shown"), CHECKS, ids=[" ".join(words) for _, words, _ in CHECKS])
def test_each_class_is_checked_as_its_page_shows(
    page: str, words: list[str], shown: str, folder: Path, capsys
):
    save(page, folder)
    assert main(words[1:]) == ("wrong" in shown)
    said = capsys.readouterr()
    assert said.err == ""
    assert without_times(said.out) == without_times(shown)


def test_a_class_is_checked_as_the_page_for_teachers_shows(folder: Path, capsys):
    """The speed is measured, and what files are held to depends on the system; a loop ends earlier."""
    save("docs/teachers.md", folder)
    ((words, shown),) = commands("docs/teachers.md")
    shown = shown.replace(" 6 s of a", " 3 s of a").replace(" 24 s by", " 12 s by")
    spec = Path("spec.toml")
    spec.write_text(spec.read_text().replace("seconds = 6 ", "seconds = 3 "))
    assert main(words[1:]) == 1
    said = capsys.readouterr()
    assert said.err == ""
    assert [marked(line) for line in said.out.splitlines()] == [marked(line) for line in shown.splitlines()]
    (code,) = (block.text for block in blocks("docs/teachers.md") if "check_class" in block.text)
    half = re.sub(r"\[\[part\]\]\nname = .AffineLayer(.|\n)*?\n\n", "", spec.read_text())
    spec.write_text(half.replace("tolerance = 1e-4\n", ""))
    exec(compile(code.replace(', Path("ben.py")', ""), "teachers.md", "exec"), {})
    assert capsys.readouterr().out == "{('ann', 'HalfLayer'): 0}\n"  # wrong without its tolerance


def marked(line: str) -> str:
    """Return a line of the table without the speed; the line on what files are held to only begins."""
    return "each file" if line.startswith("each file") else re.sub(r" +", " ", re.sub(r"[\d.]+x", "", line))


def test_the_python_of_write_your_own_layer_runs(folder: Path, capsys):
    save("docs/own-layer.md", folder)
    names: dict[str, object] = {}
    for block in blocks("docs/own-layer.md"):
        if block.language == "python" and not block.saved_as:
            exec(compile(block.text, "own-layer.md", "exec"), names)
    said = capsys.readouterr().out.splitlines()
    losses = [float(line.rpartition(" ")[2]) for line in said if line.startswith("epoch ")]
    assert len(losses) == 3
    assert losses[-1] < losses[0]
    assert said[-1] == "(2, 5, 26, 26) [(5, 1, 3, 3), (5,)]"


@pytest.mark.usefixtures("undrawn", "forgetful")
def test_the_study_of_write_your_own_layer_runs(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """As it stands there, but with fewer images, epochs, maps and seeds, and in threads."""
    monkeypatch.setattr("assay.running.pace.BUDGET", 0.0)
    monkeypatch.setattr(Plan, "isolated", False)
    save("docs/own-layer.md", folder)
    text = Path("slopes.toml").read_text().replace("[8, 16]", "[2]").replace("= 5 }", "= 1 }")
    Path("slopes.toml").write_text("seeds = 1\n" + text.replace("8000", "200, valid = 100, test = 100"))
    picture(Path("my.png"))
    lines = next(b.text for b in blocks("docs/own-layer.md") if "assay show slopes.toml" in b.text)
    for line in lines.splitlines():
        words = shlex.split(line, comments=True)
        assert (words[0], main(words[1:])) == ("assay", 0)
    assert "PReLU, layer prelu1, input 2 x 24 x 24: checked: right" in capsys.readouterr().out
    Path("prelu.py").write_text(Path("prelu.py").read_text() + "# changed\n")
    assert main(["run", "slopes.toml", "--trust", "prelu.py"]) == 2
    assert "was begun with other code in prelu.py: prelu.py, line " in capsys.readouterr().err


@pytest.mark.usefixtures("undrawn")
def test_the_first_study_of_the_readme_runs(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """As it stands there, but with fewer images, epochs and seeds; estimated in a moment, and undrawn."""
    monkeypatch.setattr("assay.running.pace.BUDGET", 0.0)
    save("README.md", folder)
    text = Path("width.toml").read_text()
    assert load_study("width.toml").arm("wide").settings.architecture.hidden == (200,)
    Path("width.toml").write_text(
        "seeds = 1\n"
        + text.replace("train = 8000", "train = 300, valid = 100, test = 100").replace("= 5 }", "= 1 }")
    )
    picture(Path("my.png"))
    lines = next(block.text for block in blocks("README.md") if "assay show width.toml" in block.text)
    for line in lines.splitlines():
        words = shlex.split(line, comments=True)
        assert (words[0], main(words[1:])) == ("assay", 0)
    code = next(block.text for block in blocks("README.md") if "assay.load_study" in block.text)
    capsys.readouterr()
    names: dict[str, object] = {}
    exec(compile(code.replace("results.frame()", "frame = results.frame()"), "README.md", "exec"), names)
    assert list(names["frame"]["arm"]) == ["narrow", "wide"]
    assert "too few for a verdict" in capsys.readouterr().out
    assert "too few for a verdict" in Path("report.html").read_text("utf-8")


@pytest.mark.usefixtures("undrawn")
def test_the_tools_of_the_readme_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Line by line, as they stand there, with a smaller study; completion is installed elsewhere."""
    save("README.md", folder)
    save("docs/other-tools.md", folder)
    text = Path("width.toml").read_text()
    small = text.replace("train = 8000", "train = 300, valid = 100, test = 100").replace("= 5 }", "= 1 }")
    Path("width.toml").write_text(f"seeds = 3\n{small}")
    lines = next(block.text for block in blocks("README.md") if "assay judge" in block.text).splitlines()
    said = {}
    for line in lines[:-1]:
        words = shlex.split(line.partition(" > ")[0], comments=True)
        assert (words[0], main(words[1:])) == ("assay", 0)
        said[words[1]] = capsys.readouterr().out
    assert lines[-1].startswith("assay --install-completion")
    assert list(Path("assay-runs/width/tensorboard").rglob("events.out.tfevents.*"))
    assert list(Path("assay-runs/width/export").glob("*.onnx"))
    assert Path("assay-runs/width/export/runs.csv").exists()
    assert "Wide is better than baseline by 0.72 points" in " ".join(said["judge"].replace("│", " ").split())
    assert Path("assay-runs/results/report.html").exists()
    assert load_study("mine.toml").control
    assert json.loads(said["schema"])["title"]


def test_the_blocks_of_other_tools_run(folder: Path, capsys: pytest.CaptureFixture[str]):
    save("docs/other-tools.md", folder)
    found = blocks("docs/other-tools.md")
    study = next(block.text for block in found if 'engine = "elsewhere"' in block.text)
    Path("width.toml").write_text(study)
    assert main(["judge", "results.csv", "--study", "width.toml"]) == 0
    assert "look 1 of 2" in capsys.readouterr().out
    Path("losses.csv").write_text(next(block.text for block in found if "val_loss\n" in block.text))
    judge = next(line for block in found for line in block.text.splitlines() if "losses.csv --" in line)
    assert main(shlex.split(judge)[1:]) == 0
    text = (ROOT / "docs" / "other-tools.md").read_text()
    sentence = re.search(r'the sentences name the metric: "(.+)"', text)
    assert sentence[1] in " ".join(capsys.readouterr().out.replace("│", " ").split())
    code = next(block.text for block in found if "GridSearchCV" in block.text)
    exec(
        compile(code.replace("return_X_y=True)", "n_class=2, return_X_y=True)"), "other-tools.md", "exec"), {}
    )
    assert "hidden=(" in capsys.readouterr().out


def test_the_studies_of_study_files_are_valid(folder: Path):
    save("docs/studies.md", folder)
    study = load_study("dropout.toml")
    assert [arm.name for arm in study.arms] == ["without-sgd", "without-adam", "with-sgd", "with-adam"]
    assert study.quickened().seeds == (0, 1, 2)
    (layers,) = (b.text for b in blocks("docs/studies.md") if 'family = "Layers"' in b.text)
    Path("layers.toml").write_text(f'name = "n"\nquestion = "q"\noptimizer = {{ rule = "SGD" }}\n{layers}')
    (arm,) = load_study("layers.toml").arms
    assert arm.settings.architecture.build((1, 28, 28), 47).output_shape == (47,)


def test_the_study_that_is_built_in_python_is_the_one_described(capsys):
    code = next(block.text for block in blocks("docs/python.md") if "assay.Factor" in block.text)
    names: dict[str, object] = {}
    exec(compile(code, "docs/python.md", "exec"), names)
    said = capsys.readouterr().out
    assert said.startswith("['narrow-0.001', 'narrow-0.01', 'wide-0.001', 'wide-0.01']\n")
    assert 'family = "ConvPool"' in said
    assert names["short"].data.train == 1000
    make_plan(names["study"])


def picture(path: Path) -> None:
    """Write one drawn character."""
    from PIL import Image

    Image.fromarray(load(DataSpec("glyphs", train=50, valid=50, test=50)).test.images[0]).save(path)
