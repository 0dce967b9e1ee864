"""What the magics return: data, and how it shows itself in a notebook."""

from __future__ import annotations

from memory_profiler import _core
from memory_profiler._calls.wrap import Call
from memory_profiler._lines.profiler import BlockProfiler
from memory_profiler._notebook.steps import add_peaks, html_steps
from memory_profiler._report.results import FunctionResult, Results
from memory_profiler._report.write import html_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any

    from memory_profiler._backends import Blind
    from memory_profiler._notebook.steps import Step
    from memory_profiler._report.results import LineResult

MIB = 2**20


def _data_frame(rows: list[dict[str, Any]], columns: list[str]) -> Any:
    try:
        import pandas as pd
    except ImportError:
        raise ImportError(
            "to_pandas() needs pandas, which is not installed: pip install pandas"
        ) from None
    return pd.DataFrame(rows, columns=columns)


class MemitResult:
    """What a statement of `%memit` reached.

    Attributes:
        mem_usage: MiB, the high-water mark of each run. baseline: MiB before the first.
        repeat, timeout, interval, include_children: the options.
        peak: bytes, the highest of all runs. increment: bytes, the peak above the baseline.
        runs: bytes, the high-water mark of each run.

    >>> result = MemitResult([30.5, 31.25], 30.0, 2, None, 0.1, False)
    >>> print(result)
    peak memory: 31.25 MiB, increment: 1.25 MiB
    >>> result.peak, result.increment
    (32768000, 1310720)
    """

    def __init__(
        self,
        mem_usage: list[float],
        baseline: float,
        repeat: int,
        timeout: int | None,
        interval: float,
        include_children: bool,
    ) -> None:
        self.mem_usage, self.baseline, self.repeat = mem_usage, baseline, repeat
        self.timeout, self.interval = timeout, interval
        self.include_children = include_children

    @property
    def runs(self) -> list[int]:
        """The peak of each run, in bytes."""
        return [round(usage * MIB) for usage in self.mem_usage]

    @property
    def peak(self) -> int:
        """The highest of all runs, in bytes."""
        return max(self.runs)

    @property
    def increment(self) -> int:
        """The part of the peak above the reading before, in bytes."""
        return self.peak - round(self.baseline * MIB)

    def __str__(self) -> str:
        peak = max(self.mem_usage)
        return f"peak memory: {peak:.2f} MiB, increment: {peak - self.baseline:.2f} MiB"

    def _repr_pretty_(self, p: Any, cycle: bool) -> None:
        p.text(f"<MemitResult : {self}>")

    def _repr_html_(self) -> str:
        return _core.html_runs(round(self.baseline * MIB), self.runs)

    def to_dict(self) -> dict[str, Any]:
        """Everything; memory in bytes."""
        return {
            "unit": "bytes",
            "peak": self.peak,
            "increment": self.increment,
            "baseline": round(self.baseline * MIB),
            "runs": self.runs,
            "repeat": self.repeat,
            "timeout": self.timeout,
            "interval": self.interval,
            "include_children": self.include_children,
        }

    def to_pandas(self) -> Any:
        """A DataFrame with a row for each run: run, peak, increment; bytes. ImportError
        without pandas."""
        low = round(self.baseline * MIB)
        rows = [
            {"run": run, "peak": peak, "increment": peak - low}
            for run, peak in enumerate(self.runs, 1)
        ]
        return _data_frame(rows, ["run", "peak", "increment"])


class _Ended:
    """In place of a tracer that is over: its tables, and nothing instrumented any more."""

    def __init__(self, tracer: _core.Tracer | Blind) -> None:
        self._tables, self.entered = tracer.tables(), 0

    def tables(self) -> list[tuple[CodeType, int, dict[int, _core.Cell]]]:
        return self._tables

    def enter(self) -> None:
        """Counts nothing."""

    leave = enter

    def add(self, code: CodeType, always: bool = False) -> bool:
        raise RuntimeError("this profiler has ended: make another")


class MprunResult(BlockProfiler):
    """The profiler of one `%mprun`, over once the statement is.

    Attributes:
        results: the tables, as `Results`; bytes.
        lines: {(file name, line number): LineResult} of all functions.
        peak: bytes, the highest mark of a measured line; None: no line ran.
    """

    def __init__(self, include_children: bool = False, heap: bool = False) -> None:
        marks = not include_children and not hasattr(_core, "MISSING")
        super().__init__(include_children=include_children, peak=marks, heap=heap)
        self._titles: dict[str, str] = {}
        self._final: Results | None = None

    def end(self, titles: dict[str, str]) -> None:
        """Keeps the tables and lets go of the code. `titles`: file names for people."""
        self._titles = titles
        self._final = super().results
        self._tracer = _Ended(self._tracer)  # type: ignore[assignment]
        self._blocks.clear()
        self._call = Call()  # type: ignore[assignment]

    @property
    def results(self) -> Results:
        """The tables of the measured functions."""
        return super().results if self._final is None else self._final

    @property
    def lines(self) -> dict[tuple[str, int], LineResult]:
        """All measured lines, by file and number."""
        return {
            (function.filename, number): line
            for function in self.results
            for number, line in function.lines.items()
        }

    @property
    def peak(self) -> int | None:
        """The highest mark of a measured line, in bytes."""
        sizes = (line.peak or line.memory for line in self.lines.values())
        return max((size for size in sizes if size is not None), default=None)

    def to_dict(self) -> dict[str, Any]:
        """The peak, and the functions as docs/json.md describes them; bytes."""
        return {"peak": self.peak, **self.results.to_dict()}

    def to_pandas(self) -> Any:
        """A DataFrame with a row for each source line, bytes. ImportError without pandas."""
        rows = [
            {"function": function.name, "filename": function.filename, **line.to_dict()}
            for function in self.results
            for line in function.lines.values()
        ]
        names = ["line", "memory", "increment", "peak", "occurrences", "source"]
        if self.results.heap:
            names[4:4] = ["allocated", "freed", "net", "heap_peak"]
        return _data_frame(rows, ["function", "filename", *names])

    @property
    def titled(self) -> list[FunctionResult]:
        """The tables as people read them: of `Cell In[3]`."""
        return [
            FunctionResult(
                (self._titles.get(f.filename, f.filename), *f.record[1:]), f.heap
            )
            for f in self.results
        ]

    def _repr_html_(self) -> str:
        results = self.results
        shown = Results(self.titled, results.backend, results.peaks, results.heap)
        return html_text(shown, "", precision=1, fragment=True)

    def __repr__(self) -> str:
        names = ", ".join(function.name for function in self.results)
        return f"<MprunResult: {names or 'no measured function ran'}>"


class MprofResult:
    """What a cell of `%%mprof` did over time.

    Attributes:
        samples: [(bytes, seconds after the start)]. peak: bytes, the high-water mark, also of
            a spike between two samples. interval: seconds between samples.
        include_children: whether the samples are sums with the child processes.
        late: samples that were not taken in time.
        peak_time: seconds after the start, of the sample that saw the peak.
        steps: the statements of the cell in their order: line, source, start, end, before,
            after, peak; bytes and seconds.
    """

    def __init__(
        self,
        sampler: _core.Sampler,
        interval: float,
        children: bool,
        steps: list[Step] | None = None,
    ) -> None:
        rows = sampler.samples()
        start = rows[0][1]
        self.samples = [(size, at - start) for size, at in rows]
        highest = max(size for size, _ in rows)
        mark, seen = sampler.peak or (0, start)
        self.peak = max(highest, mark)
        sampled = next(at for size, at in self.samples if size == highest)
        self.peak_time = seen - start if mark > highest else sampled
        self.interval, self.include_children = interval, children
        self.late = sampler.work()["late"]
        self.steps = steps or []
        add_peaks(self.steps, self.samples)

    @property
    def seconds(self) -> float:
        """How long the cell ran."""
        return self.samples[-1][1]

    def _render(self, form: str) -> str:
        return _core.render_series(
            form, self.samples, self.peak, self.interval, self.include_children, self.late,
            self.peak_time,
        )  # fmt: skip

    @property
    def svg(self) -> str:
        """The picture as an SVG document."""
        return self._render("svg")

    def _repr_html_(self) -> str:
        return self._render("html") + html_steps(self.steps)

    def __str__(self) -> str:
        return self._render("words")

    def __repr__(self) -> str:
        return f"<MprofResult: {self}>"

    def to_dict(self) -> dict[str, Any]:
        """Everything; bytes and seconds."""
        return {
            "unit": "bytes",
            "peak": self.peak,
            "seconds": self.seconds,
            "interval": self.interval,
            "include_children": self.include_children,
            "late": self.late,
            "samples": [{"seconds": at, "memory": size} for size, at in self.samples],
            "steps": [step.to_dict() for step in self.steps],
        }

    def to_pandas(self) -> Any:
        """A DataFrame with a row for each sample: seconds, memory (bytes). ImportError
        without pandas."""
        return _data_frame(self.to_dict()["samples"], ["seconds", "memory"])
