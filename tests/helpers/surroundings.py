"""Environments that are hostile to a command, each by variables, a shell's words and Python's options.

In a shell's words ``"$@"`` is the command, ``$BAD`` an empty folder for what the environment needs, and the
current folder the one in which the command works.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

CAPLESS = "setpriv --bounding-set=-all --inh-caps=-all --"
"""Root that may do no more than the owner of a file."""
NOBODY = (
    "chown -R 54321 . $BAD; exec setpriv --reuid 54321 --regid 54321 --clear-groups "
    "--inh-caps=-all,+dac_read_search --ambient-caps=-all,+dac_read_search --"
)
"""A user whom nobody knows, who may read everything, and writes the folder of the test alone."""
BLAS = "${OPENBLAS_CORETYPE:+OPENBLAS_CORETYPE=$OPENBLAS_CORETYPE}"
"""Kept if it is set: of another processor's kernels the last bits are others."""
FULL = "mount -t tmpfs -o size=64k tmpfs $BAD && dd if=/dev/zero of=$BAD/filled bs=1k status=none 2>&-; "
READ_ONLY = "mount -t tmpfs -o size=64k,ro tmpfs $BAD && "
NEVER = "$BAD/none"


@dataclass(frozen=True)
class Place:
    """An environment; a variable that is None is unset."""

    variables: Mapping[str, str | None] = field(default_factory=dict)
    shell: str = 'exec "$@"'
    python: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    """Beside the study, by name."""
    mounts: bool = False
    """Whether the shell mounts something, seen by the command alone."""
    columns: int | None = None
    """Whether standard output is a terminal, and how wide."""
    plain: bool = True
    """Whether what is printed is what it is elsewhere."""

    @property
    def root(self) -> bool:
        """Whether only root can make it."""
        return self.mounts or "setpriv" in self.shell


def _home(**variables: str | None) -> Place:
    return Place({"XDG_CACHE_HOME": None, **variables})


def _cache(path: str, shell: str = "", **more: str) -> Place:
    return Place({"XDG_CACHE_HOME": path, **more}, f'{shell}exec "$@"', mounts="mount" in shell)


def _limit(what: str) -> Place:
    return Place(shell=f'ulimit {what}; exec "$@"')


def _clock(shift: str) -> Place:
    return Place({"PYTHONPATH": "clock:$PYTHONPATH"}, files={"clock/sitecustomize.py": CLOCK.format(shift)})


CLOCK = """\
import datetime, time
now, real = time.time, datetime.datetime
shift = {}
time.time = lambda: now() + shift
time.time_ns = lambda: int((now() + shift) * 1e9)
class datetime_(real):
    @classmethod
    def now(cls, tz=None):
        return real.now(tz) + datetime.timedelta(seconds=shift)
datetime.datetime = datetime_
"""
SHADOWS = ("random", "json", "numpy", "typer", "tomllib", "sqlite3", "matplotlib", "signal", "torch", "PIL")
"""Libraries that a file of a user's in the current folder may be called like."""

BARE = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
PLACES: dict[str, Place] = {
    "as it is": Place(),
    # home and cache
    "HOME unset": _home(HOME=None),
    "HOME unset, unknown user": Place(
        {"HOME": None, "XDG_CACHE_HOME": None, "LOGNAME": None, "USER": None}, f'{NOBODY} "$@"'
    ),
    "HOME missing": _home(HOME="/nonexistent"),
    "HOME a file": _home(HOME="/etc/passwd"),
    "HOME empty": _home(HOME=""),
    "cache not to be made": _cache("/proc/1"),
    "cache a file": _cache("/etc/passwd"),
    "cache /dev/full": _cache("/dev/full"),
    "cache relative": _cache("odd cache"),
    "cache not to be written": Place(
        {"XDG_CACHE_HOME": "$BAD"}, f'mkdir -p $BAD/assay/speeds; chmod -R 500 $BAD; exec {CAPLESS} "$@"'
    ),
    "cache read-only": _cache("$BAD", READ_ONLY),
    "cache full": _cache("$BAD", FULL),
    "ASSAY_DATA a file": Place({"ASSAY_DATA": "/etc/passwd"}),
    "ASSAY_DATA of nobody": Place({"ASSAY_DATA": "~nobody-at-all/x"}),
    # temporary files
    "TMPDIR missing": Place({"TMPDIR": NEVER}),
    "TMPDIR a file": Place({"TMPDIR": "/etc/passwd"}),
    "TMPDIR full": Place({"TMPDIR": "$BAD"}, f'{FULL}exec "$@"', mounts=True),
    # language
    "LANG=C": Place({**BARE, "LANG": "C", "LC_ALL": "C"}, plain=False),
    "LC_ALL=POSIX": Place({**BARE, "LC_ALL": "POSIX"}, plain=False),
    "Turkish": Place(BARE, shell='exec /usr/bin/env LC_ALL=tr_TR.UTF-8 "$@"', plain=False),
    "ASCII, strict": Place({**BARE, "PYTHONIOENCODING": "ascii:strict", "LC_ALL": "C"}, plain=False),
    "UTF-16": Place({"PYTHONIOENCODING": "utf-16"}, plain=False),
    "odd encoding": Place({"PYTHONIOENCODING": "punycode"}, plain=False),
    "TZ odd": Place({"TZ": "Nowhere/Odd"}),
    # limits
    "files of 0 bytes": _limit("-f 0"),
    "files of 20 KiB": _limit("-f 20"),
    "files of 100 KiB": _limit("-f 100"),
    "64 open files": _limit("-n 64"),
    "32 open files": _limit("-n 32"),
    "16 open files": _limit("-n 16"),
    "12 open files": _limit("-n 12"),
    "8 open files": _limit("-n 8"),
    "1 process": Place(shell=f'{NOBODY} prlimit --nproc=1 "$@"'),
    "3 processes": Place(shell=f'{NOBODY} prlimit --nproc=3 "$@"'),
    "6 processes": Place(shell=f'{NOBODY} prlimit --nproc=6 "$@"'),
    "stack of 256 KiB": _limit("-s 256"),
    "no memory to lock": _limit("-l 0"),
    "shared memory tiny": Place(shell='mount -t tmpfs -o size=4k tmpfs /dev/shm; exec "$@"', mounts=True),
    "shared memory read-only": Place(shell='mount -t tmpfs -o ro tmpfs /dev/shm; exec "$@"', mounts=True),
    "no /dev": Place(shell='mount -t tmpfs -o ro tmpfs /dev; exec "$@" <&-', mounts=True),
    "no /proc": Place(shell='mount -t tmpfs -o ro tmpfs /proc; exec "$@"', mounts=True),
    "no /sys": Place(shell='mount -t tmpfs -o ro tmpfs /sys; exec "$@"', mounts=True),
    # terminals
    "1 column": Place({"COLUMNS": None}, columns=1, plain=False),
    "COLUMNS=1": Place({"COLUMNS": "1"}, columns=80, plain=False),
    "COLUMNS=0": Place({"COLUMNS": "0"}, columns=0, plain=False),
    "COLUMNS=x": Place({"COLUMNS": "x", "LINES": "-1"}, columns=80, plain=False),
    "TERM=dumb": Place({"TERM": "dumb"}, columns=80, plain=False),
    "TERM unset": Place({"TERM": None}, columns=80, plain=False),
    "NO_COLOR": Place({"NO_COLOR": "1"}, columns=80, plain=False),
    "FORCE_COLOR": Place({"FORCE_COLOR": "1", "CLICOLOR_FORCE": "1"}, plain=False),
    # libraries
    "Numba's cache not to be made": Place({"NUMBA_CACHE_DIR": "/proc/x"}),
    "Numba's cache full": Place({"NUMBA_CACHE_DIR": "$BAD"}, f'{FULL}exec "$@"', mounts=True),
    "Numba with 1 thread": Place({"NUMBA_NUM_THREADS": "1"}),
    "Numba with many threads": Place({"NUMBA_NUM_THREADS": "100000"}),
    "Numba with odd threads": Place({"NUMBA_NUM_THREADS": "x"}),
    "Numba without compiler": Place({"NUMBA_DISABLE_JIT": "1"}),
    "OpenMP with many threads": Place({"OMP_NUM_THREADS": "100000"}),
    "OpenMP with odd threads": Place({"OMP_NUM_THREADS": "x"}),
    "Matplotlib's folder bad": Place(
        {"MPLCONFIGDIR": "/proc/x", "MPLBACKEND": "nonsense", "SOURCE_DATE_EPOCH": "x"}
    ),
    "Matplotlib's settings odd": Place(
        files={"matplotlibrc": "nonsense: 3\nfigure.dpi: x\naxes.grid: True\n"}
    ),
    "CUDA odd": Place({"CUDA_VISIBLE_DEVICES": "99"}),
    # Python
    "libraries in the current folder": Place(
        files={f"{name}.py": "raise SystemExit('imported: ' + __file__)" for name in SHADOWS}
    ),
    "python -OO": Place(python=("-OO",)),
    "python -S": Place(python=("-S",)),
    "python -I": Place(python=("-I",)),
    "python -P": Place(python=("-P",)),
    "python -bb": Place(python=("-bb",)),
    "python -W error": Place({"PYTHONWARNINGS": "error"}),
    "python -X utf8=0": Place(python=("-X", "utf8=0")),
    "PYTHONHASHSEED": Place({"PYTHONHASHSEED": "7"}),
    "PYTHONDONTWRITEBYTECODE": Place({"PYTHONDONTWRITEBYTECODE": "1"}),
    "PYTHONUNBUFFERED": Place({"PYTHONUNBUFFERED": "1"}),
    # clock
    "clock at 1970": _clock("-now()"),
    "clock before 1970": _clock("-now() - 1e9"),
    "clock at 2100": _clock("75 * 365.25 * 86400"),
    "clock an hour back": _clock("-3600"),
    "SOURCE_DATE_EPOCH": Place({"SOURCE_DATE_EPOCH": "0"}),
    "SOURCE_DATE_EPOCH odd": Place({"SOURCE_DATE_EPOCH": "x"}),
    # the rest
    "current folder removed": Place(shell='mkdir $BAD/gone; cd $BAD/gone; rmdir $BAD/gone; exec "$@"'),
    "stdin closed": Place(shell='exec "$@" <&-'),
    "stderr closed": Place(shell='exec "$@" 2>&-'),
    "all closed": Place(shell='exec "$@" <&- >&- 2>&-', plain=False),
    "umask 077": Place(shell='umask 077; exec "$@"'),
    "umask 777": Place(shell='umask 777; exec "$@"'),
    "umask 777, no root": Place(shell=f'umask 777; exec {CAPLESS} "$@"'),
    "PATH empty": Place(shell='PATH=; exec "$@"'),
    "no variables": Place(shell=f'exec /usr/bin/env -i PYTHONPATH="$PYTHONPATH" {BLAS} "$@"', plain=False),
    "signals ignored": Place(shell="trap '' INT TERM HUP PIPE; exec \"$@\""),
}
