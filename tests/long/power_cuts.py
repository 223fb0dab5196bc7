"""Power cuts by the thousand.

``PYTHONPATH=src:tests/helpers python tests/long/power_cuts.py [SHUFFLES [PROTECTION]]`` prints how many
images were laid out, in which state the study was in them, and what was illegal: nothing. With a protection
of `told.PROTECTIONS` taken out, something should be; the exit status says whether something was.
"""

import sys
from collections import Counter
from pathlib import Path
from random import Random
from shutil import rmtree
from tempfile import TemporaryDirectory
from time import monotonic

from outages import Recording, tally
from tiny import write_characters

CONTINUED = 50
"""Of so many images, one is continued to its end, where that is not known to fail."""


def main(shuffles: int, without: list[str]) -> int:
    """Try every image; return how many were illegal."""
    kinds: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    begin = monotonic()
    with TemporaryDirectory() as name:
        place = Path(name)
        (place / "characters").mkdir()
        recording = Recording.of(write_characters(place / "characters"), place, *without)
        continued = 0
        for number, (how, told, image) in enumerate(recording.images(Random(0), shuffles)):
            there = place / "image"
            there.mkdir()
            try:
                kinds[recording.check(told, image, there)] += 1
                if number % CONTINUED == 0 and not without:
                    recording.continued(there)
                    continued += 1
            except Exception as error:
                line = f"{type(error).__name__}: {error}".replace(str(there), "").splitlines()[0][:100]
                if not wrong[line]:
                    print(f"{how}: {line}")
                wrong[line] += 1
            rmtree(there)
    images = sum(kinds.values()) + sum(wrong.values())
    print(f"{len(recording.steps)} steps, {images:,} different images, {continued} of them continued:")
    print(tally(kinds))
    print(f"{sum(wrong.values()):6,}  illegal\n{monotonic() - begin:.0f} s")
    return sum(wrong.values())


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if sys.argv[1:] else 4, sys.argv[2:]) > 0)
