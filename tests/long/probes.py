"""Who gets in: ``PYTHONPATH=src:tests/helpers python tests/long/probes.py``.

`assay view` in a process of its own, over a study and a link that leads out of it, is asked every route by
every method with each thing that may be wrong; for more than a thousand addresses that lead outside; and for
a page, a study and its curves while 200 connections are held open that come to no point. The exit status says
whether anything got in, was read outside, or waited for a second.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from factories import make_results
from probing import crowded, escapes, is_outside, is_refused, probes, talking, waits
from serving import Served, apart

from assay.view.shelf import identity

SLOW, HELD, MOST = 200, 8.0, 1.0
"""Slow connections, the seconds for which they are held, and the most that anybody else may wait."""
SECRET = b"the secret of the script"


def refusals(served: Served, key: str) -> bool:
    """Send every probe; return whether none got in."""
    asked = probes(served, key)
    with talking(served) as ask:
        passed = [probe for probe in asked if not is_refused(ask, probe)]
    print(f"{len(asked):,} probes, {len(passed)} got in", *passed[:3])
    return not passed and len(asked) >= 500


def traversals(served: Served, key: str) -> bool:
    """Ask for every address that leads outside; return whether nothing was read there."""
    asked = escapes(key)
    with talking(served) as ask:
        read = [path for path in asked if is_outside(ask, path, served.token, SECRET)]
    print(f"{len(asked):,} addresses, {len(read)} led outside", *read[:3])
    return not read and len(asked) >= 1000


def slowness(served: Served, key: str) -> bool:
    """Ask as long as slow connections are held; return whether every answer came within `MOST`.

    Each page was asked for once before: the first time, a study is read and its answer computed.
    """
    places = ("/", f"/study/{key}", "/studies.json", "/static/view.css")
    for path in places:
        waits(served, path, 1)
    found: list[float] = []
    with crowded(served, SLOW):
        end = monotonic() + HELD
        while monotonic() < end:
            for path in places:
                found += waits(served, path, 5)
    found.sort()
    shares = ", ".join(
        f"{share:.0%} {1000 * found[int(share * len(found)) - 1]:.0f} ms" for share in (0.5, 0.95, 1)
    )
    print(f"{SLOW} slow connections, {len(found):,} answers meanwhile, within: {shares}")
    return found[-1] < MOST


if __name__ == "__main__":
    with TemporaryDirectory() as name:
        folder = Path(name) / "study"
        make_results(folder).close()
        (Path(name) / "secret").write_bytes(SECRET)
        (folder / "link").symlink_to(Path(name) / "secret")
        with apart([folder]) as (served, _):
            met = [part(served, identity(folder)) for part in (refusals, traversals, slowness)]
    sys.exit(not all(met))
