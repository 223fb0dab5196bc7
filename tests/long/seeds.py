"""Seeds: ``PYTHONPATH=src:tests/helpers python tests/long/seeds.py pairing|workers``.

``pairing`` trains 40 arms, of other depths, widths, families and rules, with 5 seeds and compares the first
1,000 examples that each run was given: which they are, and every pixel of how they were distorted.
``workers`` trains a study of 8 runs with 1, 2, 4 and 8 workers, in threads and in processes, each twice, and
compares all that was found, weights included. The exit status says whether something differed.
"""

import sys
from collections import Counter
from hashlib import sha256
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

from finishing import RULES, SHAPE, finished
from tiny import CLASSES, ENGINES, outcome, tiny_study, write_characters

from assay import engines
from assay.data import DataSpec, load
from assay.engines import reference
from assay.optim.augment import Elastic, Rotate, Shift
from assay.optim.recipe import Recipe
from assay.running.processes import Processes
from assay.running.run import run
from assay.study.architectures import ConvBlocks, Dense
from assay.training.train import Job

SEEDS, FIRST = range(5), 1000
DISTORTED = (Shift(2), Rotate(10.0), Elastic(1.0, 4.0))
NETWORKS = (
    *(Dense((6,) * depth) for depth in range(1, 13)),
    *(ConvBlocks(depth, 2, reduction) for depth in (1, 2) for reduction in ("max", "average", "strided")),
    Dense((40,)),
    Dense((20, 10)),
)
ARMS = tuple(product(NETWORKS, (RULES[0], RULES[-1])))
WORKERS = (1, 2, 4, 8)


def pairing(source: str, _: Path) -> bool:
    """Print how many different sequences of examples each seed has; return whether it is one, and its own."""
    data = load(DataSpec(source, train=101, valid=40, test=30))
    seen: list[bytes] = []
    augment = reference.augment

    def watched(images: Any, batch: Any, *rest: Any) -> Any:
        distorted = augment(images, batch, *rest)
        seen.extend(int(at).to_bytes(4) + image.tobytes() for at, image in zip(batch, distorted, strict=True))
        return distorted

    reference.augment = watched
    found: dict[int, Counter[str]] = {seed: Counter() for seed in SEEDS}
    for (architecture, rule), seed in product(ARMS, SEEDS):
        network = architecture.build(SHAPE, CLASSES)
        recipe = Recipe(rule, batch_size=16, epochs=FIRST // 101 + 1, augment=DISTORTED)
        seen.clear()
        finished(Job(engines.engine("reference", network, recipe), network, recipe, (seed,)), data)
        assert len(seen) >= FIRST
        found[seed][sha256(b"".join(seen[:FIRST])).hexdigest()] += 1
    for seed, digests in found.items():
        print(
            f"seed {seed}: {len(ARMS)} arms, {len(digests)} sequences: {', '.join(d[:12] for d in digests)}"
        )
    whole = {digest for digests in found.values() for digest in digests}
    return len(whole) == len(SEEDS) and all(len(digests) == 1 for digests in found.values())


def workers(source: str, place: Path) -> bool:
    """Print how many outcomes each engine has, whatever the workers; return whether it is one."""
    one = True
    for engine in ENGINES:
        study = tiny_study(source, engine=engine, seeds=4, training={"epochs": 2})
        found = []
        for count, again, apart in product(WORKERS, (1, 2), (False, True)):
            if apart and (count < max(WORKERS) or engine != ENGINES[0]):  # to start processes takes longest
                continue
            where: dict[str, Any] = {"executor": Processes(count)} if apart else {"workers": count}
            folder = place / f"{engine.replace(':', '-')}-{count}-{again}-{apart}"
            with run(study, folder, progress=False, **where) as results:
                assert results.complete
                found.append(outcome(results))
        print(f"{engine}: {len(found)} studies of 8 runs, {sum(f != found[0] for f in found)} differ")
        one &= all(each == found[0] for each in found)
    return one


if __name__ == "__main__":
    with TemporaryDirectory() as name:
        (Path(name) / "characters").mkdir()
        source = write_characters(Path(name) / "characters")
        met = {"pairing": pairing, "workers": workers}[sys.argv[1]](source, Path(name))
    print(f"{'all alike' if met else 'DIFFERENT'}, {process_time():.0f} s of the processor")
    sys.exit(not met)
