"""How long the parts of an answer took, for its Server-Timing header (W3C)."""

from time import perf_counter


class Laps:
    """A stopwatch: each part is named when it has ended."""

    def __init__(self) -> None:
        self._last = perf_counter()
        self._parts: list[str] = []

    def end(self, name: str) -> None:
        """End a part; the next begins."""
        now = perf_counter()
        self._parts.append(f"{name};dur={1000 * (now - self._last):.2f}")
        self._last = now

    @property
    def headers(self) -> dict[str, str]:
        """The parts in milliseconds, as a header of the answer."""
        return {"server-timing": ", ".join(self._parts)}
