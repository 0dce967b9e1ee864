"""`mprof export` of heap captures: each format read by a reader that knows nothing of mprof."""

from __future__ import annotations

import collections
import csv
import io
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from captures import PROGRAM, mprof, output, record, report
from pages import TOP, look
from pprof_file import Pprof

pytestmark = pytest.mark.one_version

MEASURES = {
    "peak": ("at_peak", "blocks_at_peak"),
    "live": ("live", "live_blocks"),
    "allocated": ("total", "allocations"),
}
each_measure = pytest.mark.parametrize("measure", MEASURES)

ODD = """
    kept = []
    def keep():
        return bytes(10**6)
    for name in ("semi;colon", "#hash", "two\\nlines\\x1b[2J", 'say "x"', "\\udc80", "=1+1", "a 12", "\\0nul"):
        kept.append(eval(keep.__code__.replace(co_qualname=name, co_name=name)))
    def deep(n):
        return bytearray(1000 * n) if n < 2 else [deep(n - 1), bytearray(n)]
    kept.append(deep(50))
"""


@pytest.fixture(scope="module", params=[PROGRAM, ODD], ids=["program", "odd"])
def capture(request: pytest.FixtureRequest, tmp_path_factory) -> Path:
    return record(tmp_path_factory.mktemp("capture"), request.param)


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(tmp_path_factory.mktemp("odd"), ODD)


def export(capture: Path, form: str, *words: str) -> str:
    return output("export", "--to", form, *words, capture.name, cwd=capture.parent)


def export_file(capture: Path, form: str, *words: str) -> Path:
    path = capture.parent / f"out.{form}"
    export(capture, form, "-o", path.name, *words)
    return path


def whole(capture: Path, measure: str) -> tuple[int, int]:
    """Bytes and blocks as the report has them."""
    lines = report(capture)["lines"]
    key, blocks = MEASURES[measure]
    return sum(line[key] for line in lines), sum(line[blocks] for line in lines)


def read_collapsed(text: str) -> list[tuple[list[str], int]]:
    """As flamegraph.pl takes a line apart."""
    stacks = []
    for line in text.splitlines():
        match = re.fullmatch(r"(.*)\s+?(\d+(?:\.\d*)?)", line)
        assert match, line
        stacks.append((match[1].split(";"), int(match[2])))
    return stacks


def read_speedscope(text: str) -> list[tuple[list[dict], int]]:
    file = json.loads(text)
    frames, (profile,) = file["shared"]["frames"], file["profiles"]
    assert len(profile["samples"]) == len(profile["weights"])
    return [
        ([frames[i] for i in sample], weight)
        for sample, weight in zip(profile["samples"], profile["weights"], strict=True)
    ]


def read_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def ms_print(path: Path) -> str:
    if not shutil.which("ms_print"):
        pytest.skip("valgrind is not installed")
    done = subprocess.run(
        ["ms_print", path.name], cwd=path.parent, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


@each_measure
def test_every_format_sums_to_the_report_to_the_byte(capture: Path, measure: str) -> None:
    words = () if measure == "peak" else ("--measure", measure)
    size, blocks = whole(capture, measure)
    assert size > 0
    stacks = read_collapsed(export(capture, "collapsed", *words))
    assert sum(count for _, count in stacks) == size
    assert sum(n for _, n in read_speedscope(export(capture, "speedscope", *words))) == size
    rows = read_csv(export(capture, "csv", *words))
    assert sum(int(row["bytes"]) for row in rows) == size
    assert sum(int(row["blocks"]) for row in rows) == blocks
    got = json.loads(export(capture, "json", *words))
    assert (got["bytes"], got["measure"]) == (size, measure)
    assert sum(stack[0] for stack in got["stacks"]) == size
    assert sum(stack[1] for stack in got["stacks"]) == blocks == got["blocks"]
    pprof = Pprof(export_file(capture, "pprof", *words))
    assert pprof.default == measure
    assert pprof.sums()[measure] == size and pprof.sums()[f"{measure}_blocks"] == blocks
    massif = export(capture, "massif", *words)
    (tree,) = re.findall(
        r"\nmem_heap_B=(\d+)\n.*\n.*\nheap_tree=(?:peak|detailed)\n", massif
    )
    (top,) = re.findall(r"(?m)^n\d+: (\d+) \(heap", massif)
    assert int(tree) == int(top) == size


def test_innermost_frames_are_the_reports_lines(capture: Path) -> None:
    wanted: collections.Counter[tuple[str, int, str]] = collections.Counter()
    said = json.loads(output("report", "--json", "a.mprof", cwd=capture.parent))
    for line in said["lines"]:
        if "importlib._bootstrap" not in line["file"]:
            wanted[line["file"], line["line"], line["function"]] += line["at_peak"]
    got: collections.Counter[tuple[str, int, str]] = collections.Counter()
    file = json.loads(export(capture, "json"))
    for size, _, stack in file["stacks"]:
        frame = file["frames"][stack[-1]]
        if "file" in frame:
            got[frame["file"], frame["line"], frame["function"]] += size
    assert +got == +wanted
    ours = [n for n, _, s in file["stacks"] if "itself" in file["frames"][s[0]]["function"]]
    assert sum(ours) == said["own"]["at_peak"]


def test_all_formats_have_the_same_stacks(capture: Path) -> None:
    file = json.loads(export(capture, "json"))
    frames = [(f["function"], f.get("file", ""), f.get("line", 0)) for f in file["frames"]]
    wanted = [([frames[i] for i in stack], size) for size, _, stack in file["stacks"]]
    scoped = [
        ([(f["name"], f.get("file", ""), f.get("line", 0)) for f in stack], size)
        for stack, size in read_speedscope(export(capture, "speedscope"))
    ]
    assert scoped == wanted
    pprof = Pprof(export_file(capture, "pprof"))
    at_peak = [(stack, values[0]) for stack, values in pprof.samples if values[0]]
    assert [size for _, size in at_peak] == [size for _, size in wanted]
    plain = [
        i
        for i, (stack, _) in enumerate(wanted)
        if str(stack).isascii() and "\\" not in str(stack)
    ]
    assert plain and all(at_peak[i][0] == wanted[i][0] for i in plain)
    collapsed = [
        s for s in read_collapsed(export(capture, "collapsed")) if "itself" not in s[0][0]
    ]
    others = [s for s in wanted if "itself" not in s[0][0][0]]
    assert [(len(s), n) for s, n in collapsed] == [(len(s), n) for s, n in others]
    rows = read_csv(export(capture, "csv"))
    assert [int(row["bytes"]) for row in rows] == [size for _, size in wanted]


def test_odd_names_stay_in_their_field(odd: Path) -> None:
    names = {stack[-1] for stack, _ in read_collapsed(export(odd, "collapsed"))}
    assert {name.rpartition(" (work.py:4)")[0] for name in names} >= {
        "semi\\x3bcolon", "#hash", "two\\x0alines\\x1b[2J", 'say "x"', "\\x80", "=1+1", "a 12",
        "\\x00nul",
    }  # fmt: skip
    assert {frame["name"] for frame, in [s[-1:] for s, _ in read_speedscope(export(odd, "speedscope"))]} >= {
        "semi;colon", "two\nlines\x1b[2J", "\udc80", "\0nul",
    }  # fmt: skip
    assert {"'=1+1", "semi;colon", "\\x80"} <= {
        r["function"] for r in read_csv(export(odd, "csv"))
    }
    functions = {stack[-1][0] for stack, _ in Pprof(export_file(odd, "pprof")).samples}
    assert {"semi;colon", "\\x80", "two\\x0alines\\x1b[2J"} <= functions
    shown = ms_print(export_file(odd, "massif"))
    assert "\\x23hash (work.py:4)" in shown and "semi;colon (work.py:4)" in shown
    for form in ("collapsed", "csv", "massif", "json", "speedscope"):
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", export(odd, form))


def test_ms_print_shows_the_peak_with_who_called(tmp_path: Path) -> None:
    source = """
        def inner(n):
            return bytearray(n)
        def first():
            return inner(30_000_000)
        def second():
            return inner(10_000_000)
        kept = [first(), second()]
        kept.clear()
    """
    capture = record(tmp_path, source)
    shown = ms_print(export_file(capture, "massif"))
    size, _ = whole(capture, "peak")
    assert "Command:            work.py" in shown and "(peak)]" in shown
    assert f"100.00% ({size:,}B) (heap allocation functions)" in shown
    inner = re.search(r"->(\d+\.\d+)% \(40,000,1\d\dB\) 0x\w+: inner \(work.py:3\)", shown)
    assert inner and float(inner[1]) > 90
    assert re.search(r"->.*\(30,000,\d+B\) 0x\w+: first \(work.py:5\)", shown)
    live = ms_print(export_file(capture, "massif", "--measure", "live", "--force"))
    assert "30,000," not in live.rpartition("100.00%")[2]
    times = [int(n) for n in re.findall(r"(?m)^time=(\d+)", export(capture, "massif"))]
    assert times == sorted(times) and len(times) > 20


def test_pprof_has_all_measures_and_when_it_was(odd: Path) -> None:
    pprof, said = Pprof(export_file(odd, "pprof")), report(odd)
    assert pprof.types == [
        (name + blocks, unit)
        for name in MEASURES
        for blocks, unit in (("", "bytes"), ("_blocks", "count"))
    ]
    for measure in MEASURES:
        assert (pprof.sums()[measure], pprof.sums()[f"{measure}_blocks"]) == whole(
            odd, measure
        )
    assert (pprof.time, pprof.duration) == (said["wall_start"], said["elapsed"])
    assert pprof.comments[1] == "work.py" and len(pprof.comments) == 2


def test_speedscopes_own_schema_takes_it(odd: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = TOP / "web/node_modules/speedscope/dist/release/file-format-schema.json"
    if not schema.exists():
        pytest.skip("speedscope is not installed in web/")
    file = json.loads(export(odd, "speedscope"))
    jsonschema.validate(file, json.loads(schema.read_text()))
    (profile,) = file["profiles"]
    assert profile["endValue"] == sum(profile["weights"]) and profile["unit"] == "bytes"


@pytest.mark.parametrize("form", ["speedscope", "collapsed", "pprof"])
def test_speedscope_itself_opens_it(odd: Path, form: str) -> None:
    if not (TOP / "web/node_modules/speedscope").is_dir():
        pytest.skip("speedscope is not installed in web/")
    suffix = {"speedscope": "json", "collapsed": "txt", "pprof": "pb.gz"}[form]
    path = odd.parent / f"opened.{suffix}"
    export(odd, form, "-o", path.name)
    seen = look("look_speedscope.mjs", path)
    assert "semi" in seen["text"] and "(memory_profiler itself)" in seen["text"]
    kept = "1,000,0\\d\\d" if form == "collapsed" else r"976\.\d\d KB"
    assert len(re.findall(kept, seen["text"])) >= 8


def test_recursion_is_one_frame_where_that_is_asked_for(odd: Path) -> None:
    depth = {
        words: max(len(s) for s, _ in read_collapsed(export(odd, "collapsed", *words)))
        for words in ((), ("--fold-recursion",))
    }
    assert depth[()] > 45 and depth["--fold-recursion",] < 5
    folded = read_collapsed(export(odd, "collapsed", "--fold-recursion"))
    assert sum(size for _, size in folded) == whole(odd, "peak")[0]


def test_a_mapping_has_a_frame_though_it_has_no_blocks(tmp_path: Path) -> None:
    source = """
        import mmap
        def reserve():
            kept = mmap.mmap(-1, 4 << 20)
            kept.write(bytes(4 << 20))
            return kept
        kept = reserve()
    """
    capture = record(tmp_path, source)
    stacks = read_collapsed(export(capture, "collapsed"))
    assert [size for stack, size in stacks if stack[-1] == "reserve (work.py:4)"][
        0
    ] >= 4 << 20
    assert sum(size for _, size in stacks) == whole(capture, "peak")[0]


def test_children_are_in_it_unless_left_out(tmp_path: Path) -> None:
    source = """
        import os
        def child():
            kept = bytearray(3_000_000)
        pid = os.fork()
        if pid:
            os.waitpid(pid, 0)
        else:
            child()
    """
    capture = record(tmp_path, source)
    with_it, alone = (
        read_collapsed(export(capture, "collapsed", *words)) for words in ((), ("--no-children",))
    )  # fmt: skip
    assert any(stack[-1].startswith("child (") for stack, _ in with_it)
    assert not any(stack[-1].startswith("child (") for stack, _ in alone)
    assert sum(size for _, size in with_it) == whole(capture, "peak")[0]


def test_a_sampled_capture_says_so_in_every_format(tmp_path: Path) -> None:
    (tmp_path / "work.py").write_text("kept = [bytearray(1000) for _ in range(10_000)]\n")
    done = mprof("heap", "--sample", "64K", "-o", "a.mprof", "work.py", cwd=tmp_path)
    assert done.returncode == 0
    for form in ("collapsed", "csv", "json", "speedscope", "massif", "pprof"):
        name = f"out.{form}"
        done = mprof("export", "--to", form, "-o", name, "a.mprof", cwd=tmp_path)
        assert (
            done.returncode == 0
            and "a.mprof: sampled: one block in 64.0 KiB" in done.stderr
        )
    assert json.loads((tmp_path / "out.json").read_text())["sample"] == 65536
    assert "sampled: one block in 65536 bytes" in (tmp_path / "out.speedscope").read_text()
    assert "sampled: one block in 65536 bytes" in ms_print(tmp_path / "out.massif")
    comments = Pprof(tmp_path / "out.pprof").comments
    assert any(text.startswith("sampled: one block in 65536 bytes") for text in comments)


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    (tmp_path / "work.py").write_text("import os\nos.kill(os.getpid(), 9)\n")
    mprof("heap", "-o", "a.mprof", "work.py", cwd=tmp_path)
    for form in ("collapsed", "json", "pprof"):
        done = mprof("export", "--to", form, "-o", f"out.{form}", "a.mprof", cwd=tmp_path)
        assert done.returncode == 0 and "a.mprof: warning: incomplete: " in done.stderr
    assert "killed" in json.loads((tmp_path / "out.json").read_text())["incomplete"]
    assert any("killed" in text for text in Pprof(tmp_path / "out.pprof").comments)


def test_standard_output_and_a_file_get_the_same(odd: Path) -> None:
    for form in ("collapsed", "massif", "json"):
        written = export_file(odd, form).read_text()
        assert export(odd, form) == export(odd, form, "-o", "-") == written
