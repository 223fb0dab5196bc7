"""The training benchmark as a whole, on problems so small that nothing takes time."""

import json
from dataclasses import replace

import pytest
from processes import here
from rich.console import Console

from assay.bench import rates, starts, whole_study
from assay.bench.clock import Timing
from assay.bench.fresh import process
from assay.bench.hardware import INSTRUCTION_SETS, Machine
from assay.bench.methods import METHODS, YARDSTICK
from assay.bench.networks import NETWORKS
from assay.bench.problem import Problem
from assay.bench.rates import Pace, Rate, RateComparison
from assay.bench.starts import ProcessMemory, Start, memory, peak_memory, resident, start
from assay.bench.training import PARTS, Focus, TrainingBench, TrainingSettings, chosen, run
from assay.bench.training_views import document, machine, views
from assay.bench.whole_study import Size, WholeStudy
from assay.errors import UnsupportedError, UsageError
from assay.records.machine import processors

SMALLEST = TrainingSettings(
    networks=("A1",),
    methods=("numba", "eager", "keras"),
    parts=PARTS,
    pace=Pace(rounds=2, seconds=0.001),
    size=Size(200, 100, 100, seeds=1, epochs=1),
    focus=Focus("A1", runs=(1, 2), images=(200,)),
)


@pytest.fixture(scope="module")
def measured() -> TrainingBench:
    with pytest.MonkeyPatch.context() as monkeypatch:
        for module in (rates, starts, whole_study):
            monkeypatch.setattr(module, "process", here)
        monkeypatch.setattr(rates, "PRODUCTS", 1)
        return run(SMALLEST)


def test_every_part_is_measured(measured):
    (comparison,) = measured.rates
    assert comparison.problem == Problem("A1")
    timed = {rate.method for rate in comparison.rates}
    assert timed | set(comparison.left_out) == {"numba", "eager", "keras"}
    assert {"numba", "eager"} <= timed
    problems = [(found.problem.models, found.problem.images_count) for found in measured.scaling]
    assert problems == [(1, 20_000), (2, 20_000), (8, 20_000), (8, 200)]
    assert [found.rate("numba").models for found in measured.scaling] == [1, 2, 8, 8]
    assert {found.method for found in measured.starts} == {found.method for found in measured.memory} == timed
    assert all(len(found.again) == 2 for found in measured.starts)
    (study,) = measured.study
    assert len(study.assay.seconds) == len(study.script.seconds) == len(study.single.seconds) == 2


def test_what_is_not_installed_is_left_out_of_every_part(measured):
    if "keras" in measured.rates[0].left_out:
        assert "pip install keras" in measured.rates[0].left_out["keras"]
        assert set(measured.left_out) == {"start, Keras fit", "memory, Keras fit"}


def test_memory_is_that_of_a_process():
    """The same one for both, as it starts for seconds: few images first, so that the many are its peak."""
    with process() as own:
        few, many = (own.call(peak_memory, "eager", Problem("D", count)) for count in (200, 20_200))
    assert 10e6 < few[1] < few[0] < 2e9
    assert many[0] - few[0] == pytest.approx(20_000 * 784 * 4, rel=0.3)  # its images are float32


def test_the_document_holds_all_that_was_measured_and_what_follows(measured):
    found = json.loads(json.dumps(document(measured)))
    assert set(found) == {
        "settings", "machine", "loads", "rates", "study", "starts", "memory", "scaling", "left_out",
    }  # fmt: skip
    for comparison, entry in zip(measured.rates, found["rates"], strict=True):
        assert entry["peak"]["per_second"] == comparison.peak.median
        for rate, row in zip(comparison.rates, entry["rates"], strict=True):
            assert row["method"] == rate.method
            assert row["timing"]["seconds"] == list(rate.timing.seconds)
            assert row["per_second"] == rate.median
            assert row["times_eager"] == comparison.ratio(rate)
            assert row["share_of_peak"] == comparison.share(rate)
    assert found["machine"]["versions"]["assay"]
    assert found["machine"]["processors"] == processors()


def shown(bench: TrainingBench) -> list[str]:
    console = Console(width=80)
    with console.capture() as captured:
        for title, table in views(bench):
            console.print(title, soft_wrap=True)
            console.print(table)
    return captured.get().splitlines()


def test_every_part_is_shown(measured):
    lines = shown(measured)
    assert sum(line.startswith("assay numba ") for line in lines) == 3
    assert sum(line.startswith("assay run ") for line in lines) == 1
    assert max(map(len, lines)) <= 80


def made() -> TrainingBench:
    """A benchmark whose numbers are known: 100 GFLOP/s, numba at 200, eager at 25 steps a second."""
    problem = Problem("A2")
    ours, theirs = (
        Rate("numba", 2, 100, Timing((1.0,) * 3)),
        Rate("eager", 1, 100, Timing((4.0, 4.0, 5.0))),
    )
    once = Rate("jax", 8, 1, Timing((16.0,)))
    peak = Rate("sgemm", 1, 10**11, Timing((1.0, 1.0, 1.0)))
    comparison = RateComparison(problem, (ours, theirs, once), peak, {"keras": "keras is not installed"})
    study = WholeStudy(Size(), Timing((2.0, 2.0)), Timing((20.0, 24.0)), Timing((10.0, 14.0)))
    return TrainingBench(
        TrainingSettings(), Machine("A processor", 2, ("avx2",), {}), (0.5, None), (comparison,), (study,),
        (Start("numba", 30.0, (1.0, 3.0, 2.0)),),
        (ProcessMemory("numba", 150_000_000, 100_000_000, 3_500_000),),
        (comparison,), {},
    )  # fmt: skip


def test_the_tables_say_what_the_numbers_are():
    lines = [" ".join(line.split()) for line in shown(made())]
    assert "A2, 1 thread, 20,000 images; matrix product 100 GFLOP/s (100 to 100)" in lines
    assert any(line.startswith("assay numba 2 200 200 to 200 8.00 ") for line in lines)
    assert any(line.startswith("PyTorch eager 1 25.0 22.5 to 25.0 1.00 ") for line in lines)
    assert any(line.startswith("JAX jit + vmap 8 0.500 timed once 0.02 ") for line in lines)
    assert "Keras fit: keras is not" in lines
    assert "assay run 2.0 2.0 to 2.0 1.00" in lines
    assert "PyTorch script, all threads 22.0 21.0 to 23.0 11.00" in lines
    assert "PyTorch script, one thread 12.0 11.0 to 13.0 6.00" in lines
    assert "assay numba 30.0 2.0" in lines
    assert "assay numba 150 100 3.5" in lines
    assert "1 thread, 20,000 images 200 25.0 –" in lines
    assert machine(made()) == "2 x A processor (avx2); load before and after: 0.5 and unknown"


def test_the_yardstick_is_always_there_and_methods_have_one_order():
    assert TrainingSettings(methods=("vmap", "numba")).methods == ("numba", YARDSTICK, "vmap")


def test_lists_are_read():
    lists = {"networks": "D, B4-strided", "methods": "all", "threads": "1", "parts": "all"}
    found = chosen(SMALLEST, lists, rounds=4)
    assert found.networks == ("D", "B4-strided")
    assert found.methods == tuple(METHODS)
    assert found.threads == (1,)
    assert found.parts == PARTS
    assert found.pace == Pace(4, 0.001)
    assert chosen(SMALLEST, {"networks": None}) == SMALLEST
    assert chosen(SMALLEST, {"networks": "all"}).networks == tuple(NETWORKS)
    assert [chosen(SMALLEST, {"networks": text}).focus.network for text in ("D,A2", "A1,D")] == ["D", "A1"]
    assert max(chosen(SMALLEST, {"threads": "all"}).threads) <= processors()


@pytest.mark.parametrize(
    ("key", "text", "said"),
    [
        ("networks", "B4", "network 'B4' is unknown"),
        ("networks", "D,,A2", "network '' is unknown"),
        ("methods", "vmaps", r"method 'vmaps' is unknown \(did you mean 'vmap'"),
        ("parts", "starts", "part 'starts' is unknown"),
        ("threads", "0", "threads must be 1"),
        ("threads", "4096", "threads must be 1"),
        ("threads", "two", "threads: expected integers"),
    ],
)
def test_a_list_that_is_none_is_refused(key, text, said):
    with pytest.raises(UsageError, match=said):
        chosen(SMALLEST, {key: text})


def test_an_unknown_device_is_refused():
    with pytest.raises(UsageError, match="device 'tpu' is unknown"):
        replace(SMALLEST, device="tpu")


def test_where_there_is_no_proc_memory_is_left_out(monkeypatch):
    def missing(path):
        raise FileNotFoundError(path)

    monkeypatch.setattr("pathlib.Path.read_text", missing)
    with pytest.raises(UnsupportedError, match="/proc/self/status"):
        resident("VmHWM")


def test_memory_per_run_is_the_difference_of_two_processes(monkeypatch):
    peaks = {1: (100, 50), 1 + starts.RUNS_ADDED: (100 + 7 * starts.RUNS_ADDED, 50)}
    monkeypatch.setattr(starts, "process", here)
    monkeypatch.setattr(starts, "peak_memory", lambda method, problem: peaks[problem.models])
    assert memory("vmap", Problem("D")) == ProcessMemory("vmap", 100, 50, 7)
    assert memory("eager", Problem("D")) == ProcessMemory("eager", 100, 50, None)


def test_compiled_code_is_kept_from_the_first_start_to_the_later_ones(monkeypatch):
    folders = []

    def process(processors, environment):
        folders.append(environment["NUMBA_CACHE_DIR"])
        return here()

    monkeypatch.setattr(starts, "process", process)
    monkeypatch.setattr(starts, "first_step", lambda *_: float(len(folders)))
    assert start("numba", Problem("D"), 2) == Start("numba", 1.0, (2.0, 3.0))
    assert len(folders) == 3
    assert len(set(folders)) == 1


def test_the_machine_is_described():
    found = Machine()
    assert found.processors == processors()
    assert set(found.instruction_sets) <= set(INSTRUCTION_SETS)
