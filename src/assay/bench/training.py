"""Training the same networks with assay and its peers on this machine, side by side."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal, TypeVar, get_args

from assay.bench import hardware
from assay.bench.hardware import Machine
from assay.bench.methods import METHODS, YARDSTICK
from assay.bench.networks import NETWORKS
from assay.bench.problem import ENSEMBLE, NOISE, Device, Problem
from assay.bench.rates import Pace, RateComparison, compare
from assay.bench.starts import ProcessMemory, Start, memory, start
from assay.bench.whole_study import Size, WholeStudy, measure
from assay.errors import UnsupportedError, UsageError, suggestion
from assay.records.machine import processors

Part = Literal["rates", "study", "start", "memory", "scaling"]
PARTS: tuple[Part, ...] = get_args(Part)

SCALED = ("numba", YARDSTICK, "vmap")
"""The methods whose scaling is measured."""

T = TypeVar("T")
Job = tuple[str, Callable[[], T]]
"""A description of the next measurement, and the function that takes it."""

OnJob = Callable[[str], None]


@dataclass(frozen=True)
class Focus:
    """The network and methods for the parts that need one network: start, memory and scaling.

    If networks are chosen and ``network`` is not among them, the first of them takes its place.
    """

    network: str = "A2"
    runs: tuple[int, ...] = (1, 2, 4, 8, 16)
    images: tuple[int, ...] = (10_000, 20_000, 50_000, 100_000)


@dataclass(frozen=True)
class TrainingSettings:
    """What is measured; `UsageError` for an unknown name, or for more threads than processors."""

    networks: tuple[str, ...] = ("D", "A1", "A2", "B4-max")
    methods: tuple[str, ...] = tuple(METHODS)
    threads: tuple[int, ...] = (1,)
    parts: tuple[str, ...] = ("rates",)
    pace: Pace = field(default_factory=Pace)
    size: Size = field(default_factory=Size)
    focus: Focus = field(default_factory=Focus)
    device: Device = "cpu"
    images: str = NOISE

    def __post_init__(self) -> None:
        """Check the names, and add the baseline to the methods."""
        _expect_known("network", self.networks, NETWORKS)
        _expect_known("method", self.methods, METHODS)
        _expect_known("part", self.parts, PARTS)
        _expect_known("device", [self.device], get_args(Device))
        for threads in self.threads:
            if not 1 <= threads <= processors():
                raise UsageError(f"threads must be 1..{processors()}, this machine's number; got {threads}")
        chosen = {*self.methods, YARDSTICK}
        object.__setattr__(self, "methods", tuple(name for name in METHODS if name in chosen))

    @property
    def repeats(self) -> int:
        """How often measurements that need new processes are repeated."""
        return min(3, self.pace.rounds)


def _expect_known(kind: str, names: Iterable[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            raise UsageError(f"{kind} {name!r} is unknown ({suggestion(name, known)})")


QUICK = TrainingSettings(
    networks=("D", "A2"),
    methods=("numba", YARDSTICK, "vmap"),
    pace=Pace(rounds=3, seconds=0.1),
    size=Size(2_000, 500, 500, seeds=2),
    focus=Focus(runs=(1, 4), images=(10_000, 50_000)),
)
"""A trial that takes a few seconds."""


def chosen(
    settings: TrainingSettings,
    lists: Mapping[str, str | None],
    rounds: int | None = None,
    device: str = "cpu",
    images: str = NOISE,
) -> TrainingSettings:
    """Return ``settings`` with other ``networks``, ``methods``, ``threads`` or ``parts``.

    Each is a string such as ``D,A2`` or ``all``; None leaves a setting unchanged.
    Raises `UsageError` for a string that is not such a list.
    """
    everything: dict[str, Iterable[Any]] = {
        "networks": NETWORKS,
        "methods": METHODS,
        "parts": PARTS,
        "threads": _powers(),
    }
    values: dict[str, Any] = {}
    for key, text in lists.items():
        if text == "all":
            values[key] = tuple(everything[key])
        elif text is not None:
            words = [word.strip() for word in text.split(",")]
            values[key] = tuple(map(_integer, words)) if key == "threads" else tuple(words)
    if rounds is not None and rounds < 1:
        raise UsageError(f"rounds must be >= 1; got {rounds}")
    pace = settings.pace if rounds is None else replace(settings.pace, rounds=rounds)
    focus, networks = settings.focus, values.get("networks", ())
    if networks and focus.network not in networks:
        focus = replace(focus, network=networks[0])
    return replace(settings, **values, focus=focus, pace=pace, device=device, images=images)  # type: ignore[arg-type]


def _powers() -> list[int]:
    """Return the powers of two up to the number of processors."""
    return [2**power for power in range(processors().bit_length())]


def _integer(word: str) -> int:
    if not word.isdecimal():
        raise UsageError(f"threads: expected integers with commas between, such as 1,2; got {word!r}")
    return int(word)


@dataclass(frozen=True)
class TrainingBench:
    """All measurements, one field per part; ``left_out`` says what could not be measured, and why.

    ``loads`` are the machine's load averages before and after.
    """

    settings: TrainingSettings
    machine: Machine
    loads: tuple[float | None, float | None]
    rates: tuple[RateComparison, ...] = ()
    study: tuple[WholeStudy, ...] = ()
    starts: tuple[Start, ...] = ()
    memory: tuple[ProcessMemory, ...] = ()
    scaling: tuple[RateComparison, ...] = ()
    left_out: dict[str, str] = field(default_factory=dict)


def run(settings: TrainingSettings | None = None, on_job: OnJob = lambda _: None) -> TrainingBench:
    """Measure the parts that ``settings`` name; ``on_job`` is told what is measured next."""
    settings = settings or TrainingSettings()
    _usual(settings, settings.networks[0]).expect_images()
    before, left_out = hardware.load(), dict[str, str]()

    def done(part: Part, jobs: Iterable[Job[T]]) -> tuple[T, ...]:
        """Do a part's jobs if it was asked for, and note what could not be done."""
        found = []
        for words, job in jobs if part in settings.parts else ():
            on_job(words)
            try:
                found.append(job())
            except UnsupportedError as error:
                left_out[words] = str(error)
        return tuple(found)

    rates = done("rates", _comparisons(_problems(settings), settings.methods, settings.pace))
    study = done("study", _study(settings))
    begun = done("start", _starts(settings))
    taken = done("memory", _memory(settings))
    scaling = done("scaling", _comparisons(_scaled(settings), _few(settings), settings.pace))
    loads = (before, hardware.load())
    return TrainingBench(settings, Machine(), loads, rates, study, begun, taken, scaling, left_out)


def _problems(settings: TrainingSettings) -> list[Problem]:
    return [
        replace(_usual(settings, name), threads=threads)
        for threads in settings.threads
        for name in settings.networks
    ]


def _usual(settings: TrainingSettings, network: str) -> Problem:
    return Problem(network, device=settings.device, source=settings.images)


def _scaled(settings: TrainingSettings) -> list[Problem]:
    """Vary the numbers of runs, workers and images, one at a time."""
    focus, threads = settings.focus, max(settings.threads)
    usual = replace(_usual(settings, focus.network), threads=threads, models=ENSEMBLE)
    varied = [
        *(replace(usual, models=runs) for runs in focus.runs),
        *(replace(usual, threads=count) for count in settings.threads),
        *(replace(usual, images_count=count) for count in focus.images),
    ]
    return list(dict.fromkeys(varied))


def _few(settings: TrainingSettings) -> list[str]:
    return [name for name in settings.methods if name in SCALED]


def _comparisons(
    problems: list[Problem], methods: Sequence[str], pace: Pace
) -> Iterator[Job[RateComparison]]:
    for problem in problems:
        yield problem.words, partial(compare, problem, methods, pace)


def _starts(settings: TrainingSettings) -> Iterator[Job[Start]]:
    problem = _usual(settings, settings.focus.network)
    for method in settings.methods:
        yield f"start, {METHODS[method].words}", partial(start, method, problem, settings.repeats)


def _memory(settings: TrainingSettings) -> Iterator[Job[ProcessMemory]]:
    problem = Problem(settings.focus.network, device=settings.device)  # without what reading a data set takes
    for method in settings.methods:
        yield f"memory, {METHODS[method].words}", partial(memory, method, problem)


def _study(settings: TrainingSettings) -> Iterator[Job[WholeStudy]]:
    yield "a whole study", partial(measure, settings.size, settings.repeats)
