"""What notebooks show, in words: the C core draws it."""

from __future__ import annotations

from memory_profiler._pure import meter
from memory_profiler._pure.render import for_html
from memory_profiler._pure.sampler import Sampler

MIB = 2**20
EVERY = 0.005  # seconds between the samples of a Peak


class Peak:
    """The largest RSS of an interval: of samples, and the system's mark when it rose."""

    def __init__(self) -> None:
        self._sampler = Sampler(EVERY, peak=True)
        self._sampler.start()
        self.start = meter.memory(0)
        self._open = True

    def _refuse_when_closed(self) -> None:
        if not self._open:
            raise RuntimeError("this peak has ended: make another")

    def read(self) -> int:
        """The largest RSS so far, bytes; the interval stays open."""
        self._refuse_when_closed()
        self._sampler.stop()
        peak = self._sampler.peak
        self._sampler.start()
        return peak[0] if peak else self.start

    def end(self) -> int:
        """The same, and closes the interval."""
        self._refuse_when_closed()
        self._open = False
        self._sampler.stop()
        peak = self._sampler.peak
        return peak[0] if peak else self.start

    def __del__(self) -> None:
        if getattr(self, "_open", False):
            self._sampler.stop()


def html_runs(baseline: int, peaks: list[int], /) -> str:
    """The table of a repeated statement."""
    if not peaks:
        raise ValueError("there are no runs to show")
    rows = "".join(
        f"<tr><th>{number}</th><td>{peak / MIB:.2f} MiB</td>"
        f"<td>{(peak - baseline) / MIB:.2f} MiB</td></tr>\n"
        for number, peak in enumerate(peaks, 1)
    )
    head = "<tr><th>Run</th><th>Peak</th><th>Increment</th></tr>"
    return f"<table><thead>{head}</thead><tbody>\n{rows}</tbody></table>\n"


def render_series(
    form: str,
    samples: list[tuple[int, float]],
    peak: int,
    interval: float,
    children: bool = False,
    late: int = 0,
    peak_time: float = -1.0,
) -> str:
    """Memory over time: from where to where. Only the C core draws a picture."""
    if not samples:
        raise ValueError("there are no samples to show")
    if form not in ("html", "svg", "words"):
        raise ValueError(f"unknown form '{form}': html, svg or words")
    if form == "svg":
        raise ValueError("pictures need the C core; this is the pure-Python build")
    first, last = samples[0][0] / MIB, samples[-1][0] / MIB
    text = f"{first:.2f} to {last:.2f} MiB, peak {peak / MIB:.2f} MiB"
    text += f", {len(samples)} samples" + (" with children" if children else "")
    return text if form == "words" else f"<p>{for_html(text)}</p>\n"
