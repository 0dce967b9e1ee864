"""Characters, matplotlib, the page and the notebook show the same points, and those recorded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import pictures
from memory_profiler import _core
from pictures import Points
from recordings import Recorder

pytestmark = pytest.mark.one_version

MIB = 2**20
pytest.importorskip("matplotlib")

#: A hundred samples of 20 to 24 MiB, one of 90, and nothing for two seconds: it was stopped.
SAMPLES: Points = [
    (round(i / 100 + (2 if i >= 50 else 0), 2), 90.0 if i == 30 else 20.0 + i % 5)
    for i in range(100)
]
BROKEN: Points = [*SAMPLES[:50], (0.0, None), *SAMPLES[50:]]
MARK = (0.105, 60.0)

#: What `mprof heap` would have recorded of a spike before idle time: seconds, RSS, heap.
SPIKE = """
import mmap, time
spike = mmap.mmap(-1, 48 << 20)
spike.write(bytes(48 << 20))
spike.close()
time.sleep(0.4)
kept = [bytes(1000) for _ in range(6000)]
time.sleep(0.1)
"""


def recording(samples: Points, metric: str = "rss") -> str:
    head = f"MPROF 1 pid=9 interval=0.01 metric={metric}\nCMDLINE job\n"
    rows = "".join(f"MEM {m:.6f} {1000 + t:.4f}\n" for t, m in samples)
    return f"{head}{rows}PEAK 9 {MARK[1]:.6f} 1000.1000 1000.1100\nEND 1003.0 exit 0\n"


def terminal(here: Recorder, *words: str) -> str:
    env = {"LC_ALL": "C.UTF-8", "COLUMNS": "80"}
    done = here.mprof("plot", "--terminal", *words, env=env)
    assert done.code == 0, done.err
    return done.out


def test_faults_79_every_picture_of_samples_has_their_points(here: Recorder) -> None:
    here.write("x.dat", recording(SAMPLES))
    page, data = pictures.page_of(here, "x.dat")
    (run,) = data["runs"]
    assert pictures.points_of(run["curve"]) == BROKEN
    assert pictures.points_of(run["marks"]) == [MARK]

    figure = pictures.given_to_matplotlib(here, "x.dat")
    assert pictures.points_of(figure["runs"][0]["curve"]) == BROKEN
    lines = [
        pictures.line_points(line) for line in pictures.drawn_by_matplotlib(figure).lines
    ]
    assert BROKEN in lines and [MARK] in lines

    seen = pictures.look(page)
    for scheme in ("light", "dark"):
        path = pictures.strokes(seen, scheme, seen[scheme]["colours"]["--curve"])[-1]
        pictures.assert_drawn(path, BROKEN)

    for i, full in enumerate(pictures.columns(terminal(here, "x.dat").replace("░", " "))):
        within = [m for t, m in SAMPLES if int(t / 3 * 69) == i]
        assert abs(full - max(within, default=0) / 90) <= 0.5 / 8 / 19 + 1e-9

    rows = [(round(m * MIB), t) for t, m in SAMPLES]
    svg = _core.render_series("svg", rows, 90 * MIB, 0.01)
    shown = pictures.svg_points(svg, 20, 90, SAMPLES[-1][0])
    pictures.assert_near(shown, BROKEN, time=0.05 / 640 * 3, memory=0.05 / 154 * 70)


def standing(series: list[list[int]], part: int) -> Points:
    """The line that says of a capture's series what was so until the next point."""
    points: list[tuple[int, int]] = []
    for time, *figures in series:
        if points and points[-1][1] != figures[part] and points[-1][0] < time:
            points.append((time, points[-1][1]))
        points.append((time, figures[part]))
    return [(time / 1e9, size / MIB) for time, size in points]


def test_faults_79_every_picture_of_a_heap_has_its_points(here: Recorder) -> None:
    here.write("work.py", SPIKE)
    assert here.mprof("heap", "-o", "a.mprof", "work.py").code == 0
    series = json.loads(here.mprof("report", "--json", "a.mprof").out)["series"]
    rss, heap = standing(series, 0), standing(series, 1)
    end = series[-1][0] / 1e9
    near = {"time": 1.1e-4, "memory": 1.1e-3}  # as they are written

    page, data = pictures.page_of(here, "a.mprof")
    (run,) = data["runs"]
    figure = pictures.given_to_matplotlib(here, "a.mprof")
    lines = [
        pictures.line_points(line) for line in pictures.drawn_by_matplotlib(figure).lines
    ]
    for shown in (run, figure["runs"][0]):
        (part,) = shown["children"]
        for curve, wanted in ((shown["curve"], rss), (part["curve"], heap)):
            pictures.assert_near(pictures.points_of(curve), wanted, **near)
            assert pictures.points_of(curve) in lines

    seen = pictures.look(page)
    for scheme in ("light", "dark"):
        path = pictures.strokes(seen, scheme, seen[scheme]["colours"]["--curve"])[-1]
        pictures.assert_drawn(path, pictures.points_of(run["curve"]))

    rows = terminal(here, "a.mprof").splitlines()
    pixels = pictures.columns("\n".join(rows))
    (named,) = [i for i, row in enumerate(rows) if row.strip().startswith("heap")]
    bar = rows[named - 1][10:].ljust(69)
    tops = [max(m for _, m in part) for part in (rss, heap)]
    for i, (resident, tracked) in enumerate(zip(pixels, bar, strict=False)):
        for part, full, steps in ((0, resident, 8 * 19), (1, None, 8)):
            high = highest(series, part, i / 69 * end, (i + 1) / 69 * end) / tops[part]
            shown = pictures.BLOCKS.index(tracked) / 8 if full is None else full
            assert abs(shown - high) <= 1 / steps, f"column {i} of {(rss, heap)[part]}"


def highest(series: list[list[int]], part: int, start: float, end: float) -> float:
    """The most that stood in a stretch of time, in MiB."""
    before = [point for point in series if point[0] / 1e9 <= start][-1:]
    within = [point for point in series if start < point[0] / 1e9 <= end]
    return max(point[1 + part] for point in before + within) / MIB


def test_several_recordings_are_told_and_marked_each(here: Recorder) -> None:
    second = [(t * 1.5, m * 2) for t, m in SAMPLES if m != 90]
    here.write("a.dat", recording(SAMPLES))
    here.write(
        "b.dat", recording(second) + f"CHLD 77 30.0 1000.5\nCHLD 77 {199:.1f} 1001.0\n"
    )
    page, data = pictures.page_of(here, "a.dat", "b.dat")
    peaks = [(run["peak_time"], run["peak"]) for run in data["runs"]]
    assert peaks == [(0.3, 90.0), (0.06, 48.0)] or peaks[1][1] == 60.0

    seen = pictures.look(page)
    assert seen["title"] == "2 recordings"
    for file, (_, peak) in zip(("a.dat", "b.dat"), peaks, strict=True):
        (told,) = [line for line in seen["runs"] if line.startswith(file)]
        assert f"peak {peak:.3f} MiB" in told
        (row,) = [row for row in seen["legend"] if row.startswith(file) and "77" not in row]
        assert f"{peak:.3f} MiB" in row
        assert f"{file}: " in seen["tip"]
    assert any("b.dat: 77" in row for row in seen["legend"])
    for scheme in ("light", "dark"):
        crosses = {s["style"] for s in seen[scheme]["strokes"] if s["dashed"]}
        solid = {s["style"] for s in seen[scheme]["strokes"] if not s["dashed"]}
        assert len(crosses) == 2 and crosses <= solid  # each in its curve's colour

    axes = pictures.drawn_by_matplotlib(
        pictures.given_to_matplotlib(here, "a.dat", "b.dat")
    )
    ends = [
        line.get_xydata().tolist() for line in axes.lines if line.get_linestyle() == "--"
    ]
    for time, peak in peaks:
        assert [[time, 0], [time, peak]] in ends


def test_children_have_the_colour_of_their_command_and_no_run_has_it(
    here: Recorder,
) -> None:
    pytest.importorskip("matplotlib")
    names = {77: "worker", 78: "worker", 79: "redis"}
    lines = [(f"PROC {pid} 1 1000.0 {name}", f"CHLD {pid} 9.0 1000.1", f"CHLD {pid} 9.5 1000.6")
             for pid, name in names.items()]  # fmt: skip
    text = recording([(i / 20, 20.0) for i in range(20)]) + "\n".join(sum(lines, ())) + "\n"
    for name in ("a.dat", "b.dat"):
        here.write(name, text)
    axes = pictures.drawn_by_matplotlib(
        pictures.given_to_matplotlib(here, "a.dat", "b.dat")
    )
    colours: dict[str, set[str]] = {}
    for line in axes.lines:
        label = str(line.get_label()).split("\n")[0].split(",")[0].rstrip("0123456789 ")
        colours.setdefault(label, set()).add(line.get_color())
    assert len(colours["worker"]) == len(colours["redis"]) == 1
    assert colours["worker"] != colours["redis"]
    runs = colours["a.dat"] | colours["b.dat"]
    assert len(runs) == 2 and not runs & (colours["worker"] | colours["redis"])


def test_the_time_of_several_calls_is_told_as_a_sum(here: Recorder) -> None:
    calls = "".join(f"FUNC m.work 20.0 100{i}.0 21.0 100{i}.5 0\n" for i in range(3))
    samples = [(i / 20, 20.0) for i in range(60)]
    here.write("x.dat", recording(samples).replace("PEAK 9", "PEAK 8") + calls)
    page, _ = pictures.page_of(here, "x.dat")
    assert any("3 calls, 1.500 s in all" in row for row in pictures.look(page)["legend"])
    assert "3 calls, 1.500 s in all" in terminal(here, "x.dat")


def test_faults_79_part_of_an_idle_time_shows_what_was_held(tmp_path: Path) -> None:
    here = Recorder(tmp_path)
    here.write("work.py", SPIKE.replace("spike.close()\n", ""))
    assert here.mprof("heap", "-o", "a.mprof", "work.py").code == 0
    series = json.loads(here.mprof("report", "--json", "a.mprof").out)["series"]
    idle = max(zip(series, series[1:], strict=False), key=lambda two: two[1][0] - two[0][0])
    middle = (idle[0][0] + idle[1][0]) / 2e9
    done = here.mprof(
        "plot", "--terminal", "-w", f"{middle:.3f},{middle + 0.05:.3f}", "a.mprof"
    )
    assert done.code == 0 and "peak" in done.out and "peak -" not in done.out
    heap = [line for line in done.out.splitlines() if line.strip().startswith("heap")]
    assert float(heap[0].split("peak ")[1].split()[0]) >= 48
