"""`mprof flamegraph`: the page of a heap capture, its figures, and what Chromium shows of it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

import pages
from captures import FIGURES, MPROF, PROGRAM, mprof, output, page_of, record, report, table

pytestmark = pytest.mark.one_version

NASTY = "</script><img src=x onerror=window.pwned=1>"
ROOT, SMALLER, DEEPER, OWN = 0, -1, -2, -3


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(tmp_path_factory.mktemp("capture"), PROGRAM)


def look(page: Path, glance: bool = True) -> dict:
    """What Chromium shows, without touching it at a glance."""
    keep = os.environ.get("KEEP_PICTURES")
    how = ["glance"] if glance else [f"{keep}/{page.parent.name}.png"] if keep else []
    return pages.look("look_heap.mjs", page, *how)


def sums_of(frames: list[list[int]]) -> None:
    """Callees never hold more than their caller, in any measure."""
    below = [[0] * (len(FIGURES) + 1) for _ in frames]
    for i, (caller, _, _, *figures) in enumerate(frames):
        if i != ROOT:
            assert caller < i
            below[caller] = [a + b for a, b in zip(below[caller], figures, strict=True)]
    for (_, _, _, *figures), sums in zip(frames, below, strict=True):
        assert all(mine >= theirs for mine, theirs in zip(figures, sums, strict=True))


def test_page_table_and_report_are_the_same_figures(capture: Path) -> None:
    _, data = page_of(capture)
    said, rows = report(capture), table(capture)
    counted = data["counted"]
    assert [counted[key] for key in ("peak", "live", "total", "temporary")] == [
        said[key] for key in ("peak", "live", "total", "temporary")
    ]
    whole = [sum(line[key] for line in said["lines"]) for key in FIGURES]
    assert data["frames"][ROOT][4:] == whole
    assert [rows["all"][key] for key in FIGURES] == whole
    shown = [
        sum(column) for column in zip(*(row[2:9] for row in data["rows"]), strict=True)
    ]
    others = zip(shown, data["more"][1:], data["own"], strict=True)
    assert [sum(figures) for figures in others] == whole
    assert whole[0] == said["peak"] and whole[4] == said["total"]
    sums_of(data["frames"])
    functions = [
        (file["path"], *function)
        for file in data["files"]
        for function in file["functions"]
    ]
    shown = json.loads(output("report", "--json", "a.mprof", cwd=capture.parent))["lines"]
    lines = {(line["file"], line["line"], line["function"]): line for line in shown}
    for function, line, *figures in data["rows"]:
        path, name, _ = functions[function]
        if line:
            row = lines[path, line, name]
            totals = [row["cumulative"][key] for key in ("at_peak", "live", "total")]
            assert figures == [*(row[key] for key in FIGURES), *totals]
        else:
            assert not path or path.startswith("<frozen importlib._bootstrap")


def test_the_curves_are_those_of_the_report(capture: Path) -> None:
    _, data = page_of(capture)
    said = report(capture)
    assert len(said["series"]) > 1 and data["counted"]["peak"] == said["peak"]
    assert data["series"] == [
        [pytest.approx(time / 1e9, abs=1e-6), rss, heap]
        for time, rss, heap in said["series"]
    ]
    assert data["peak_time"] == pytest.approx(said["peak_time"] / 1e9, abs=1e-6)


def test_our_own_code_is_one_frame_and_one_row(capture: Path) -> None:
    page, data = page_of(capture)
    assert not any("/memory_profiler/" in file["path"] for file in data["files"])
    assert not any("memory_profiler" in row["file"] for row in table(capture)["rows"])
    (own,) = [frame for frame in data["frames"] if frame[1] == OWN]
    assert own[0] == ROOT and own[4:] == data["own"] == [*table(capture)["own"].values()]
    assert any(
        row["text"].endswith("(memory_profiler itself)") for row in look(page)["sums"]
    )


def test_files_have_short_names_that_are_nobody_elses(tmp_path: Path) -> None:
    (tmp_path / "json").mkdir()
    source = "import json, runpy\nkept = [json.loads('[1, 2]'), runpy.run_path('json/decoder.py')]\n"
    (tmp_path / "json" / "decoder.py").write_text("kept = bytes(9999)\n")
    where = str(tmp_path / "json" / "decoder.py")
    source = source.replace("'json/decoder.py'", repr(where))
    _, data = page_of(record(tmp_path, source))
    short = {file["path"]: file.get("short") for file in data["files"]}
    assert short[str(tmp_path / "work.py")] == "work.py"
    assert short[where] is None  # the library has one of that name
    (theirs,) = [path for path in short if path.endswith("/json/__init__.py")]
    assert short[theirs] == "json/__init__.py"


def test_what_is_left_out_is_counted(capture: Path) -> None:
    _, data = page_of(capture)
    page, pruned = page_of(capture, "--min-percent", "20")
    assert len(pruned["frames"]) < len(data["frames"]) / 2
    assert pruned["frames"][ROOT] == data["frames"][ROOT]
    sums_of(pruned["frames"])
    assert not any(function == SMALLER for _, function, *_ in data["frames"])
    smaller = sum(frame[3] for frame in pruned["frames"] if frame[1] == SMALLER)
    (notice,) = look(page)["notices"]
    assert notice.startswith(f"{smaller:,} of {data['frames'][ROOT][3]:,} stacks")
    assert "below 20% of every measure" in notice


def test_a_deep_recursion_is_cut_and_the_rest_counted(tmp_path: Path) -> None:
    source = """
        import sys
        sys.setrecursionlimit(10**6)
        kept = []
        def down(n):
            kept.append(bytes(1000 if n else 10**6))
            if n:
                down(n - 1)
        down(3000)
    """
    page, data = page_of(record(tmp_path, source), "--full")
    assert data["graphs"][0]["folded"]  # once, and in full beside it
    data = data["graphs"][2]
    (deeper,) = [frame for frame in data["frames"] if frame[1] == DEEPER]
    assert deeper[3] > 2600 and deeper[4] > 10**6
    sums_of(data["frames"])
    folded = page_of(page.with_name("a.mprof"))[1]
    assert folded["frames"][ROOT] == data["frames"][ROOT] and len(folded["frames"]) < 400
    assert not any(frame[1] == DEEPER for frame in folded["frames"])
    seen = pages.look("look_graphs.mjs", page)
    assert seen["recursion"]["full"]["notices"] == [
        f'{deeper[3]:,} stacks deeper than can be drawn are merged into "deeper".'
    ]
    assert seen["recursion"]["once"]["notices"] == [
        "Recursion is drawn once: down (up to 3,001 times). "
        '"recursion: in full" draws each call.'
    ]


def test_the_page_is_one_small_file_that_loads_nothing(capture: Path) -> None:
    page, _ = page_of(capture)
    text = page.read_text()
    head, rest = text.split('id="data">')
    block = rest.partition("</script>")[0]
    assert len(text) - len(block) < 500_000
    policy = re.search(r'Security-Policy" content="([^"]*)"', head)[1]
    assert "default-src 'none'" in policy and "script-src 'sha256-" in policy
    assert not re.search(r'<[^>]*\s(src|href)="', head) and "url(" not in head
    assert block.isascii()


def found_in(data: dict, words: str) -> int:
    """Bytes at the peak in frames that have the words, and below; none twice."""
    functions = [
        (file["path"], name) for file in data["files"] for name, _ in file["functions"]
    ]
    sources = {(function, line): text for function, line, text in data["sources"]}
    inside, found = [False] * len(data["frames"]), 0
    for at, (caller, function, line, _, at_peak, *_) in enumerate(data["frames"]):
        path, name = functions[function] if function >= 0 else ("", "")
        text = sources.get((function, line), "")
        matches = words.lower() in f"{name} {path}:{line} {text}".lower()
        found += at_peak if matches and not inside[caller] else 0
        inside[at] = inside[caller] or matches
    return found


def test_a_browser_draws_zooms_searches_and_turns(capture: Path) -> None:
    page, data = page_of(capture)
    seen = look(page, glance=False)
    whole = data["frames"][ROOT][4:]
    assert seen["title"] == "a.mprof" and seen["time"] == 1 and seen["notices"] == []
    assert "process " in seen["summary"] and "still live" in seen["summary"]
    assert [name.split("\n")[0][:4] for name in seen["measures"]] == [
        "at t",
        "stil",
        "allo",
        "temp",
    ]
    assert seen["roots"] == {
        "peak": whole[0],
        "live": whole[2],
        "total": whole[4],
        "temporary": whole[6],
    }
    clicked, zoomed = seen["clicked"], seen["zoomed"]
    root = seen["first"][0]
    assert zoomed["value"] == clicked["value"] and clicked["width"] < root["width"]
    assert abs(zoomed["width"] - root["width"]) < 1
    assert abs(seen["whole"]["root"]["width"] - root["width"]) < 1
    name, place = clicked["name"].split("  ")
    tip = seen["tip"].splitlines()
    assert tip[0] == name and tip[1].endswith(place)
    share = 100 * clicked["value"] / whole[0]
    (percent,) = re.findall(r"([\d.]+)% of all at the peak", seen["tip"])
    assert abs(float(percent) - share) < 0.06
    assert re.search(r"[\d.]+ [KM]iB in [\d,]+ blocks", seen["tip"])
    assert seen["chosen"].split(" ")[0] == seen["entered"]["name"].split("  ")[0]
    callee, neighbour, *back = seen["walk"]
    assert len({callee, neighbour, "all"}) == 3 and back == [callee, "all"]
    assert seen["found"].endswith(("frame", "frames"))
    said = float(seen["found"].split("%")[0])
    assert said == pytest.approx(
        100 * found_in(data, seen["searched"]) / whole[0], abs=0.06
    )
    assert clicked["name"] in seen["marked"] and len(seen["unmarked"]) > 3
    assert not any(name in unmarked for unmarked in seen["unmarked"])
    assert seen["whole"]["root"]["top"] == seen["whole"]["top"]
    assert seen["flame"]["root"]["top"] > seen["flame"]["top"] + 50
    assert seen["foundRows"] and not all(
        seen["searched"] in row["text"] for row in seen["rows"]
    )
    missing = [
        row for row in seen["foundRows"] if seen["searched"] not in row["text"].lower()
    ]
    assert not missing, seen["searched"]
    for key, at in (("peak", 0), ("live", 2), ("total", 4), ("temporary", 6)):
        column = [figures[at] for figures in seen["sorted"][key]]
        assert column == sorted(column, reverse=True) and column[0] > 0
    assert seen["mark"] > 9  # pixels of the peak's dot
    assert seen["back"] == "rgb(255, 255, 255)" and seen["manual"]
    assert seen["dark"] == seen["night"] == "rgb(21, 25, 30)"
    assert len(seen["rows"]) < seen["allRows"] == len(data["rows"])
    assert seen["narrow"]["root"]["width"] < 700
    assert all("dark" in word for word in seen["theme"])
    time, rss, tracked = seen["legend"]
    assert time.endswith(" (peak)") and rss.endswith("iB") and seen["note"] == []
    assert f"peak {tracked} after" in seen["summary"]


def test_zooming_moves_neither_the_graph_nor_the_search(capture: Path) -> None:
    where, words = capture.parent, ("--sample", "64K", "-o", "sampled.mprof", "work.py")
    assert mprof("heap", *words, cwd=where).returncode == 0  # errors leave least room
    seen = look(page_of(where / "sampled.mprof")[0], glance=False)
    whole, zoomed = seen["places"]
    assert seen["reset"] and zoomed == whole


def test_lines_beyond_the_page_are_told_once_with_where_they_are(tmp_path: Path) -> None:
    source = "kept = []\n" + "kept.append(bytes(5000))\n" * 600
    page, data = page_of(record(tmp_path, source))
    seen = look(page, glance=False)
    assert len(data["rows"]) == seen["allRows"] == 500 and data["more"][0] >= 100
    beyond = f"{data['more'][0]:,}"
    end = "not in this page: mprof table --csv has all"
    hidden = f"{450 + data['more'][0]:,} more lines, {beyond} of them {end}"
    assert seen["sums"][0]["text"].endswith(hidden)
    assert seen["more"] == ["show 450 of them"]
    assert seen["allSums"][0]["text"].endswith(f"{beyond} more lines, {end}")


def test_blocks_above_resident_memory_are_explained(tmp_path: Path) -> None:
    source = "kept = bytes(1 << 28)\nfor i in range(10**6): str(i)\n"
    page, data = page_of(record(tmp_path, source))
    assert any(heap > rss > 0 for _, rss, heap in data["series"])
    (note,) = look(page)["note"]
    assert "above RSS" in note and "not resident" in note


def test_the_lines_stand_beside_the_graph_with_their_source(capture: Path) -> None:
    page, data = page_of(capture)
    seen = look(page)
    *_, whole = seen["sums"]
    assert whole["figures"] == data["frames"][ROOT][4:]
    sums = [row["figures"] for row in [*seen["rows"], *seen["sums"][:-1]]]
    assert [sum(column) for column in zip(*sums, strict=True)] == whole["figures"]
    name = r"load(\.<locals>\.<listcomp>)? work\.py"  # 3.11: a function of its own
    (row, *_) = [row for row in seen["rows"] if re.search(name, row["text"])]
    assert row["source"].startswith('return json.loads(json.dumps([{"id": i, "name"')


def test_importlib_is_left_out_or_one_frame(tmp_path: Path) -> None:
    page, _ = page_of(record(tmp_path, "import email.mime.text, decimal, textwrap\n"))
    shown = look(page)["imports"]
    assert any("<frozen importlib._bootstrap>" in name for name in shown["full"])
    for how in ("one", "short"):
        assert not any("importlib" in name for name in shown[how])
    assert "(imports)" in shown["one"] and "(imports)" not in shown["short"]
    module = "<module>  email/mime/text.py:"
    assert any(name.startswith(module) for name in shown["short"])
    assert not any(name.startswith(module) for name in shown["one"])


@pytest.fixture(scope="module")
def nasty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("nasty")
    name = NASTY.replace("/", "\u2215") + "\u2028\u202e\x1b[2J&\"'.py"
    source = f"""
        names = {{}}
        def kept():
            return bytes(10**6)  # {NASTY} ]]> --> \u2028 "onmouseover="alert(1)
        for name in ({NASTY!r}, "=1+1", "@x\\n\\t;y", "\\ud800", "\\udc80", "<b>&amp;"):
            code = kept.__code__.replace(co_qualname=name, co_name=name)
            names[name] = eval(code)
    """
    return record(where, source, name)


def test_faults_22_to_25_names_are_escaped_in_the_data(nasty: Path) -> None:
    page, data = page_of(nasty)
    block = page.read_text().split('id="data">')[1].split("\n</script>")[0]
    assert block.isascii() and not re.search(r"[<>&\x00-\x09\x0b-\x1f]", block)
    names = [name for file in data["files"] for name, _ in file["functions"]]
    assert {NASTY, "=1+1", "@x\n\t;y", "\udc80", "<b>&amp;"} <= set(names)


def test_faults_24_a_browser_finds_only_text(nasty: Path) -> None:
    page, _ = page_of(nasty, "-t", NASTY)
    seen = look(page)
    assert seen["title"] == NASTY
    assert seen["markup"] == {"images": 0, "pwned": False, "scripts": 2}
    assert any(NASTY in frame["name"] for frame in seen["first"])
    (row,) = [row for row in seen["rows"] if row["text"].count(NASTY) == 2]
    assert "onmouseover" in row["source"]


def test_source_is_only_of_regular_files_as_they_were(tmp_path: Path) -> None:
    program = "kept = [bytes(10**6) for _ in range(3)]\n"
    capture = record(tmp_path, program, "work.py", "--no-source")
    assert page_of(capture)[1]["sources"]
    script = tmp_path / "work.py"
    script.write_text("secret = 1\n")
    later = time.time() + 10
    os.utime(script, (later, later))
    page, data = page_of(capture)
    assert not any("secret" in text for *_, text in data["sources"])
    assert "secret" not in json.dumps(data["texts"])
    script.unlink()
    os.mkfifo(script)
    functions = [
        (file["path"], *function)
        for file in page_of(capture)[1]["files"]
        for function in file["functions"]
    ]
    sources = page_of(capture)[1]["sources"]
    assert not any(functions[number][0].endswith("work.py") for number, *_ in sources)


def test_a_killed_programs_page_says_that_it_is_incomplete(tmp_path: Path) -> None:
    (tmp_path / "work.py").write_text(
        "import os\nkept = bytes(10**6)\nos.kill(os.getpid(), 9)\n"
    )
    done = mprof("heap", "-o", "a.mprof", "work.py", cwd=tmp_path)
    assert done.returncode == -signal.SIGKILL
    page, data = page_of(tmp_path / "a.mprof")
    assert data["incomplete"] == "the program was killed, or became another (exec)"
    assert look(page)["notices"][0] == f"Incomplete: {data['incomplete']}."


def test_faults_17_a_capture_cut_anywhere_gives_a_page_or_one_line(capture: Path) -> None:
    whole = capture.read_bytes()
    cut = capture.with_name("cut.mprof")
    for size in [
        *range(0, 2000, 193),
        *range(2000, len(whole), 10007),
        *range(65530, 131080, 13107),
    ]:
        cut.write_bytes(whole[:size])
        done = mprof("flamegraph", "-o", "cut.html", "cut.mprof", cwd=capture.parent)
        shown = mprof("table", "--json", "cut.mprof", cwd=capture.parent)
        assert done.returncode == shown.returncode
        if done.returncode:
            assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
            continue
        page, data = page_of(cut)
        assert data["incomplete"] in (None, "the file was cut short")
        rows = json.loads(shown.stdout)
        assert data["frames"][ROOT][4:] == [rows["all"][key] for key in FIGURES]
        assert all(0 <= function for function, *_ in data["sources"])
        sums_of(data["frames"])


def test_the_page_has_the_captures_name_and_is_opened(capture: Path) -> None:
    done = subprocess.run(
        [MPROF, "flamegraph", capture.name],
        cwd=capture.parent,
        env={"PATH": ""},
        capture_output=True,
        text=True,
    )
    page = capture.parent / "a.mprof.html"
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"mprof: {page}\n"
    assert page.stat().st_mode & 0o777 == 0o600  # as the capture's
    capture.chmod(0o644)
    old = os.umask(0o027)
    try:
        page_of(capture)
    finally:
        os.umask(old)
        capture.chmod(0o600)
    assert (capture.parent / "page.html").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("target", [".", "missing/page.html", "/dev/full"])
def test_a_page_that_cannot_be_written_is_one_line(capture: Path, target: str) -> None:
    done = mprof("flamegraph", "-o", target, capture.name, cwd=capture.parent)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith(f"mprof: cannot write {target}: ")
    assert len(done.stderr.splitlines()) == 1
    assert not [path for path in capture.parent.iterdir() if ".mprof-" in path.name]


@pytest.mark.parametrize("value", ["-1", "101", "nan", "x", "", "1e400"])
def test_faults_28_a_bad_percentage_is_a_usage_error(capture: Path, value: str) -> None:
    done = mprof("flamegraph", f"--min-percent={value}", capture.name, cwd=capture.parent)
    assert done.returncode == 2 and "not a percentage" in done.stderr


def test_faults_16_what_is_no_capture_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no capture\n")
    for command in ("flamegraph", "table"):
        done = mprof(command, "text", cwd=tmp_path)
        assert done.returncode == 1
        assert done.stderr == "mprof: not an mprof heap capture: text\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["text"]
    assert "flamegraph" in output("help", cwd=tmp_path)


FORKS = """
import os
import time

if not os.fork():
    time.sleep(0.1)
    os._exit(0)
os.wait()
time.sleep(0.1)
"""


def test_a_page_of_several_processes_says_where_moments_are(tmp_path: Path) -> None:
    capture = record(tmp_path, FORKS)
    for how, said in (([], "mprof flamegraph --no-children"), (["--no-children"], "Click")):
        page, _ = page_of(capture, "--force", *how)
        (hint,) = look(page)["hint"]
        assert said in hint
