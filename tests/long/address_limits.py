"""``run`` and ``show`` under limits of their address space: done, or one line with status 2; no hang."""

import subprocess
import sys
import tempfile
import time

LIMITS = (60, 100, 150, 180, 200, 220, 260, 300, 350, 400, 450, 500, 600, 700, 800, 850, 900, 950, 1000, 1200)
QUICK = ("pooling", "--quick", "--epochs", "1", "--seeds", "1")


def tried(mebibytes: int, *words: str) -> tuple[int, str]:
    """Return the exit status and stderr of a command under a limit."""
    command = [
        "sh",
        "-c",
        f'ulimit -v {mebibytes << 10}; exec "$@"',
        "sh",
        sys.executable,
        "-m",
        "assay",
        *words,
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    except subprocess.TimeoutExpired:
        return -1, "hangs"
    return done.returncode, done.stderr


def main() -> int:
    wrong = 0
    for name in ("run", "show"):
        for mebibytes in LIMITS:
            with tempfile.TemporaryDirectory() as place:
                words = (name, *QUICK, *(("--out", place) if name == "run" else ()))
                begin = time.monotonic()
                status, said = tried(mebibytes, *words)
            seconds = time.monotonic() - begin
            refused = status == 2 and said.count("\n") == 1 and said.startswith("assay: error: ")
            held = refused or (status, said) == (0, "")
            wrong += not held
            print(
                f"{name:5} {mebibytes:5} MiB  {status:3}  {seconds:5.1f} s  {held}  {said.strip()[:150]}",
                flush=True,
            )
    print(f"{wrong} of {2 * len(LIMITS)} wrong")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
