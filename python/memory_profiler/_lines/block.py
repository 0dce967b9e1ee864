"""`with profile.block("name"):` measures the lines of the frame that runs it."""

from __future__ import annotations

import sys

from memory_profiler import _core
from memory_profiler._lines.profiler import LineProfiler
from memory_profiler._report.write import check_precision, deliver, write_table
from memory_profiler._standard import standard

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from types import CodeType
    from typing import IO, Any

    from memory_profiler._report.results import Results


class Reported(_core.Block):
    """A block of the imported `profile`: prints its table at its end, however that comes."""

    def __init__(
        self, name: str, stream: IO[str] | None, precision: int, results: Results, how: Any
    ) -> None:
        with standard:
            import inspect  # noqa: F401
            import linecache  # noqa: F401

        self._name, self._stream, self._precision = name, stream, check_precision(precision)
        self._results, self._how = results, how
        self._open: dict[int, LineProfiler] = {}
        LineProfiler(**how)  # says now what cannot be had

    def _begin(self, code: CodeType, names: dict[str, Any], line: int) -> Any:
        profiler = LineProfiler(**self._how)
        tracer = profiler._tracer_of_block(code, names, line, self._name)
        if tracer is not None:
            self._open[id(tracer)] = profiler
        return tracer

    def _end(self, code: CodeType, tracer: Any) -> None:
        results = self._open.pop(id(tracer)).results
        self._results.update(results)
        stream = sys.stdout if self._stream is None else self._stream
        deliver(lambda into: write_table(into, results, self._precision), stream)
