"""What data of NumPy and pandas is: its owners', once, within a hundredth of what these say."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.one_version

HEAD = """
import json, sys
import numpy
from memory_profiler import heap
def told(tracker, wanted):
    rows = {row.type: [row.objects, row.bytes + row.kept] for row in tracker.types()}
    print(json.dumps([tracker.native, int(wanted), rows]))
"""


def run(text: str, **environment: str) -> tuple[bool, int, dict[str, list[int]]]:
    done = subprocess.run(
        [sys.executable, "-c", HEAD + text],
        text=True, capture_output=True, timeout=120, env=os.environ | environment,
    )  # fmt: skip
    assert not done.returncode, done.stderr
    return tuple(json.loads(done.stdout))


def test_views_of_arrays_own_nothing_and_copies_do() -> None:
    pytest.importorskip("numpy")
    native, wanted, rows = run("""
with heap.track(types=True) as tracker:
    owners = [numpy.ones(50_000 + i) for i in range(30)]
    views = [made for a in owners for made in (a[::2], a.reshape(1, -1), a.T, a.view("u8"))]
    copies = [a.astype("f4") for a in owners[:10]]
    structured = numpy.zeros(9000, dtype=[("a", "f8"), ("b", "i4")])
told(tracker, sum(a.nbytes for a in owners + copies) + structured.nbytes)
""")
    objects, held = rows["numpy.ndarray"]
    assert objects == 30 * 5 + 10 + 1
    if native:
        assert wanted <= held <= wanted * 1.01


def test_frames_have_the_data_of_their_columns_once() -> None:
    pytest.importorskip("pandas")
    native, wanted, rows = run("""
import pandas
def frame(rows):
    return pandas.DataFrame({"a": numpy.arange(rows) * 1.5, "b": numpy.arange(rows)})
frame(10).groupby("b").sum()
with heap.track(types=True) as tracker:
    frames = [frame(40_000 + i) for i in range(10)]
    columns = [made["a"] for made in frames]
    sliced = [made.iloc[100:200] for made in frames]
told(tracker, sum(made.memory_usage(index=False).sum() for made in frames))
""")
    if native:
        assert wanted <= rows["numpy.ndarray"][1] <= wanted * 1.01


def test_columns_of_objects_are_their_strings_and_an_array_of_pointers() -> None:
    pytest.importorskip("pandas")
    native, wanted, rows = run("""
import pandas
pandas.Series(["a", "b"], dtype=object)
with heap.track(types=True) as tracker:
    kept = pandas.Series([f"text {i}" for i in range(50_000)], dtype=object)
told(tracker, sum(map(sys.getsizeof, kept)))
""")
    assert rows["str"][0] >= 50_000 and wanted <= rows["str"][1] <= wanted * 1.01
    if native:
        assert 8 * 50_000 <= rows["numpy.ndarray"][1] <= 8 * 50_000 * 1.01


def test_buffers_of_pyarrow_are_blocks_of_malloc_where_its_pool_is() -> None:
    pytest.importorskip("pyarrow")
    native, wanted, rows = run("""
import pyarrow
pyarrow.table({"a": [1], "b": ["x"]})
with heap.track(types=True) as tracker:
    table = pyarrow.table({"a": pyarrow.array(numpy.arange(100_000)),
                           "b": pyarrow.array([f"text {i}" for i in range(100_000)])})
    sliced = [table.slice(i, 100) for i in range(5)]
data = {buffer.address: buffer.size for column in table.columns for chunk in column.chunks
        for buffer in chunk.buffers() if buffer}
told(tracker, sum(data.values()))
""", ARROW_DEFAULT_MEMORY_POOL="system")  # fmt: skip
    held = rows["(malloc)"][1] + rows.get("numpy.ndarray", [0, 0])[1]
    if native:
        assert wanted <= held <= wanted * 1.01, rows


def test_a_frame_of_polars_over_arrays_has_their_data_once() -> None:
    pytest.importorskip("polars")
    native, wanted, rows = run("""
import polars
polars.DataFrame({"a": numpy.arange(9)}).slice(2, 3)["a"].to_numpy()
with heap.track(types=True) as tracker:
    table = polars.DataFrame({"a": numpy.arange(500_000), "b": numpy.arange(500_000) * 1.5})
    views = [table["a"].to_numpy() for _ in range(5)]
    sliced = [table.slice(i, 100) for i in range(5)]
told(tracker, table.estimated_size())
""")
    if native:
        assert wanted <= rows["numpy.ndarray"][1] <= wanted * 1.01, rows


def test_columns_of_text_of_pandas_are_their_buffers_of_arrow() -> None:
    pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    native, wanted, rows = run("""
import pandas
kind = pandas.StringDtype("pyarrow")
pandas.Series(["a", "b"], dtype=kind)
texts = [f"text {i}" for i in range(200_000)]
with heap.track(types=True) as tracker:
    kept = pandas.Series(texts, dtype=kind)
    sliced = [kept.iloc[i : i + 100] for i in range(5)]
told(tracker, kept.memory_usage(index=False))
""", ARROW_DEFAULT_MEMORY_POOL="system")  # fmt: skip
    if native:
        assert wanted <= rows["(malloc)"][1] <= wanted * 1.01, rows
