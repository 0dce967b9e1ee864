"""`mprof diff`: what grew and what shrank between two captures, however the code moved."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import textwrap
from pathlib import Path

import pytest

from captures import mprof, output
from pages import look

pytestmark = pytest.mark.one_version

CACHE = """
class Cache:
    def __init__(self):
        self.kept = {}

    def put(self, number):
        key = f"key {number}"
        self.kept[key] = bytes(100)

    def get(self, number):
        return self.kept.get(f"key {number}")


def fill(cache):
    for number in range(2000):
        cache.put(number)
    return bytearray(299_950)
"""
MAIN = """
from shop.cache import Cache, fill

cache = Cache()
block = fill(cache)
"""
#: The later commit: 30 lines above all, a line within a function, and a larger block.
INSERTED = "".join(f"# {number}\n" for number in range(30))
LATER = (INSERTED + CACHE.lstrip("\n")).replace(
    "        key = f", '        assert number >= 0, "no such key"\n        key = f', 1
).replace("299_950", "699_950")  # fmt: skip


def commit(where: Path, cache: str, *options: str, name: str = "run.mprof") -> Path:
    """The capture of a checkout with that source, of which nobody will say that it is later."""
    (where / "shop").mkdir(parents=True, exist_ok=True)
    shutil.rmtree(where / "shop" / "__pycache__", ignore_errors=True)
    for file, text in (
        ("shop/__init__.py", ""),
        ("shop/cache.py", cache),
        ("main.py", MAIN),
    ):
        (where / file).write_text(text)
        os.utime(where / file, (1, 1))
    done = mprof("heap", *options, "-o", name, "main.py", cwd=where)
    assert done.returncode == 0, done.stderr
    return where / name


@pytest.fixture(scope="module")
def commits(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two checkouts in folders of their own."""
    here = tmp_path_factory.mktemp("commits")
    return commit(here / "before", CACHE), commit(here / "after", LATER)


def diff(before: Path, after: Path, *words: str) -> dict:
    return json.loads(output("diff", "--json", *words, before, after, cwd=after.parent))


def by_place(rows: list[dict], key: str = "function") -> dict[str, dict]:
    return {(row["is"] or row["was"])[key]: row for row in rows if row["kind"] == "place"}


def source_line(text: str, part: str) -> int:
    return next(i for i, line in enumerate(text.split("\n"), 1) if part in line)


def test_of_two_commits_only_what_changed_is_named(commits: tuple[Path, Path]) -> None:
    got = diff(*commits)
    assert got["unlike"] == [] and got["measure"] == "peak"
    rows = [row for row in got["rows"] if row["kind"] == "place"]
    (block,) = [row for row in rows if abs(row["growth"]) > 1000]
    assert (block["growth"], block["status"]) == (400_000, "grew")
    assert block["was"]["line"] == source_line(CACHE, "bytearray")
    assert block["is"]["line"] == source_line(LATER, "bytearray")
    put = [row for row in rows if (row["is"] or row["was"])["function"] == "Cache.put"]
    assert {row["status"] for row in put} == {"unchanged"}
    for row in put:
        assert row["is"]["line"] - row["was"]["line"] == 30  # -1 for the first, empty line


def test_a_checkout_that_was_changed_in_place_has_the_same_rows(tmp_path: Path) -> None:
    """The source of the earlier capture is gone: its instructions say which line was which."""
    before = commit(tmp_path, CACHE, name="before.mprof")
    after = commit(tmp_path, LATER, name="after.mprof")
    os.utime(tmp_path / "shop/cache.py")
    rows = [row for row in diff(before, after)["rows"] if row["kind"] == "place"]
    assert [row["growth"] for row in rows if abs(row["growth"]) > 1000] == [400_000]
    assert all(row["was"] for row in rows if row["before"] > 1000)
    assert all(row["is"] for row in rows if row["before"] > 1000)


@pytest.mark.parametrize(
    "by", ["line", "your-line", "function", "file", "module", "process"]
)
@pytest.mark.parametrize("measure", ["peak", "live", "allocated"])
def test_rows_sum_to_both_reports(
    commits: tuple[Path, Path], by: str, measure: str
) -> None:
    got = diff(*commits, "--by", by, "--measure", measure)
    keys = {"peak": "peak", "live": "live", "allocated": "total"}
    for side, capture in zip(("before", "after"), commits, strict=True):
        whole = json.loads(output("report", "--json", capture, cwd=capture.parent))
        assert got["all"][side] == whole[keys[measure]]
        assert sum(row[side] for row in got["rows"]) == got["all"][side]
    assert got["all"]["growth"] == sum(row["growth"] for row in got["rows"])
    counted = got["grew"] + got["shrank"] + got["unchanged"]
    assert counted == len(got["rows"])


def test_rows_are_of_what_was_asked_for(commits: tuple[Path, Path]) -> None:
    function = by_place(diff(*commits, "--by", "function")["rows"])["fill"]
    assert function["is"]["line"] == source_line(LATER, "def fill")
    file = by_place(diff(*commits, "--by", "file")["rows"], "file")
    assert [Path(name).name for name, row in file.items() if row["growth"] > 1000] == [
        "cache.py"
    ]
    (process,) = diff(*commits, "--by", "process")["rows"]
    assert process["kind"] == "process" and process["is"]["command"] == "main.py"


def test_what_grew_comes_first_with_its_source(commits: tuple[Path, Path]) -> None:
    text = output("diff", *commits, cwd=commits[1].parent)
    first, second, *_ = text.split("\n\n")[1].splitlines()[1:]
    assert re.fullmatch(
        r" \+390\.6 KiB +293\.0 KiB +683\.6 KiB  shop/cache\.py:\d+ fill", first
    )
    assert second.strip() == "return bytearray(699_950)"
    back = output("diff", *reversed(commits), cwd=commits[1].parent)
    assert "\n     shrank " in back and " -390.6 KiB    683.6 KiB    293.0 KiB  " in back


def test_new_and_gone_lines_say_so(tmp_path: Path) -> None:
    more = CACHE.replace(
        "    return bytearray",
        "    other = [bytes(5000)] + [bytes(i) for i in range(99)]\n    return bytearray",
    )
    captures = commit(tmp_path / "a", CACHE), commit(tmp_path / "b", more)
    text = output("diff", *captures, "--measure", "allocated", cwd=tmp_path)
    assert re.search(r"shop/cache\.py:\d+ fill \(new\)", text)
    back = output("diff", *reversed(captures), "--measure", "allocated", cwd=tmp_path)
    assert re.search(r"shop/cache\.py:\d+ fill \(gone\)", back)


def test_equal_captures_have_no_difference(commits: tuple[Path, Path]) -> None:
    text = output("diff", commits[0], commits[0], cwd=commits[0].parent)
    assert text.splitlines()[1:] == ["no difference"]
    got = mprof("diff", "--fail-over", "0", commits[0], commits[0], cwd=commits[0].parent)
    assert (got.returncode, got.stderr) == (0, "")


FELL = """
import sys, time
kept = [bytes(8_000) for _ in range(1_000)]
time.sleep(0.1)
del kept[1_000 - int(sys.argv[1]):]
time.sleep(0.2)
"""


def test_runs_alike_at_their_peaks_say_so_and_where_they_were_not(tmp_path: Path) -> None:
    (tmp_path / "fell.py").write_text(FELL)
    for number in ("0", "700"):
        done = mprof("heap", "-o", f"{number}.mprof", "fell.py", number, cwd=tmp_path)
        assert done.returncode == 0
    text = output("diff", "0.mprof", "700.mprof", cwd=tmp_path)
    same = (
        r"the same within [\d.]+ K?i?B: no line differs by 7\.[89] KiB or more\n\n +in all "
    )
    assert re.search(rf"\n\n{same}", text), text
    *_, rss, apart = text.splitlines()
    assert rss.endswith("iB  most RSS")
    assert re.search(
        r" -\d\.\d MiB +\d\.\d MiB +\d\.\d MiB  most different heap, 0\.", apart
    )
    assert "grew  " in output("diff", "-n9", "0.mprof", "700.mprof", cwd=tmp_path)
    words = ["diff", "--format", "github", "0.mprof", "700.mprof"]
    assert mprof(*words, cwd=tmp_path).stdout == ""


def test_csv_has_the_rows_of_json(commits: tuple[Path, Path]) -> None:
    rows = diff(*commits)["rows"]
    text = output("diff", "--csv", *commits, cwd=commits[0].parent)
    got = list(csv.DictReader(io.StringIO(text)))
    assert [int(row["growth"]) for row in got] == [row["growth"] for row in rows]
    assert got[0]["where"].endswith("shop/cache.py") and got[0]["function"] == "fill"


@pytest.mark.parametrize(("limit", "code"), [
    ("100KiB", 1), ("0.5MiB", 0), ("400000", 0), ("399999", 1), ("5%", 1), ("300%", 0), ("390K", 1),
])  # fmt: skip
def test_a_build_fails_where_a_row_grew_by_more(
    commits: tuple[Path, Path], limit: str, code: int
) -> None:
    words = ["diff", "--json", "--measure", "live", "--fail-over", limit, *commits]
    done = mprof(*words, cwd=commits[0].parent)
    over = [row for row in json.loads(done.stdout)["rows"] if row["over"]]
    if limit != "400000":  # the whole grew by the imports' too
        assert (done.returncode, bool(over)) == (code, bool(code)), done.stderr
    assert [row["growth"] for row in over] in ([400_000], [])
    if over:
        assert "fill grew by 390.6 KiB, more than --fail-over allows" in done.stderr


def test_github_shows_the_growth_at_its_line(commits: tuple[Path, Path]) -> None:
    root = commits[1].parent
    done = mprof("diff", "--format", "github", "--fail-over", "100K", *commits, cwd=root)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert any(line.startswith("::error title=all memory grew by ") for line in lines)
    line = source_line(LATER, "bytearray")
    assert (
        f"::error file=shop/cache.py,line={line},title=fill grew by 390.6 KiB"
        "::293.0 KiB before, 683.6 KiB now, at the peak"
    ) in lines
    calm = mprof("diff", "--format", "github", *commits, cwd=root)
    assert calm.returncode == 0 and calm.stdout.startswith("::warning file=shop/cache.py,")
    under = mprof("diff", "--format", "github", "--fail-over", "9M", *commits, cwd=root)
    assert (under.returncode, under.stdout) == (0, "")


def test_github_reads_no_commands_from_names(tmp_path: Path) -> None:
    name = "odd, 50%:file\n::error::x.py"
    for number, size in enumerate((1000, 90_000)):
        (tmp_path / name).write_text(f"keep = bytearray({size})\n")
        assert mprof("heap", "-o", f"{number}", name, cwd=tmp_path).returncode == 0
    done = mprof("diff", "--format", "github", "0", "1", cwd=tmp_path)
    rows = [line for line in done.stdout.splitlines() if "file=" in line]
    assert rows[0].startswith(
        "::warning file=odd%2C 50%25%3Afile\\x0a%3A%3Aerror%3A%3Ax.py,line=1,"
    )
    assert all(line.startswith("::warning ") for line in done.stdout.splitlines())


def test_unlike_captures_are_compared_and_it_is_said(tmp_path: Path) -> None:
    exact = commit(tmp_path / "a", CACHE)
    sampled = commit(
        tmp_path / "a", LATER, "--sample", "1K", "--no-native", name="sampled.mprof"
    )
    (tmp_path / "other.py").write_text("x = bytearray(10)\n")
    assert mprof("heap", "-o", "other.mprof", "other.py", cwd=tmp_path).returncode == 0
    got = diff(exact, sampled)
    assert got["unlike"] == [
        "recorded otherwise: every block, then one block in 1.0 KiB",
        "recorded otherwise: native memory too, then Python's allocators alone",
    ]
    assert got["all"]["error"] > 0
    for row in got["rows"]:
        if row["status"] == "grew":
            assert row["growth"] > 2 * row["error"]
    unlike = diff(exact, tmp_path / "other.mprof")["unlike"]
    assert unlike == ["another command: 'main.py', then 'other.py'"]
    text = output("diff", exact, tmp_path / "other.mprof", cwd=tmp_path)
    assert text.splitlines()[1] == unlike[0]
    csv_notes = mprof("diff", "--csv", exact, tmp_path / "other.mprof", cwd=tmp_path).stderr
    assert unlike[0] in csv_notes


#: Many small stacks, of which no moment has each: they are no growth.
MOMENTS = """
from memory_profiler import heap

def make(n):
    space = {}
    text = "".join(f"def f{i}(n):\\n return [bytes(600 + {i % 7}) for _ in range(n)]\\n" for i in range(n))
    exec(compile(text, "small.py", "exec"), space)
    return [space[f"f{i}"](1) for i in range(n)]

def load(n):
    return bytearray(n)

small = make(3000)
kept = [load(3_000_000)]
heap.mark("warm")
kept.append(load(500_000))
heap.mark("later")
kept.append(load(250_000))
"""


def test_two_moments_of_a_capture_are_compared(tmp_path: Path) -> None:
    (tmp_path / "work.py").write_text(MOMENTS)
    assert mprof("heap", "-o", "a.mprof", "work.py", cwd=tmp_path).returncode == 0
    ways = {
        500_000: [
            ["a.mprof@warm", "a.mprof@later"],
            ["--between", "warm,later", "a.mprof"],
        ],
        750_000: [["a.mprof@warm", "a.mprof@end"], ["--since", "warm", "a.mprof"]],
        -250_000: [["a.mprof@end", "a.mprof@later"]],
    }
    for growth, words in ways.items():
        for way in words:
            got = json.loads(output("diff", "--json", *way, cwd=tmp_path))
            rows = [row for row in got["rows"] if abs(row["growth"]) > 5000]
            assert [(round(row["growth"], -3), row["is"]["function"]) for row in rows] == [
                (growth, "load")
            ]
            assert sum(row["growth"] for row in got["rows"]) == got["all"]["growth"]
            assert "mark" in got["before"]["at"] + got["after"]["at"]
    text = output("diff", "a.mprof@warm", "a.mprof", cwd=tmp_path)
    assert re.match(
        r"from a\.mprof at the mark warm \(\d\.\d{3} s\) to a\.mprof at the peak", text
    )
    # the range of other views has the same growth
    table = json.loads(
        output("table", "--json", "--since", "warm", "a.mprof", cwd=tmp_path)
    )
    rows = [row for row in table["rows"] if abs(row["growth"]) > 5000]
    assert [(round(row["growth"], -3), row["function"]) for row in rows] == [
        (750_000, "load")
    ]


def test_moments_are_compared_by_what_was_held_then(commits: tuple[Path, Path]) -> None:
    capture = commits[0]
    done = mprof(
        "diff",
        "--measure",
        "live",
        f"{capture}@start",
        f"{capture}@end",
        cwd=capture.parent,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "compared: leave out --measure live" in done.stderr


def test_a_file_with_an_at_in_its_name_is_that_file(tmp_path: Path) -> None:
    capture = commit(tmp_path, CACHE, name="run@warm")
    assert "no difference" in output("diff", capture, capture, cwd=tmp_path)
    done = mprof("diff", "run@warm@cold", "run@warm", cwd=tmp_path)
    assert done.returncode == 1 and "run@warm has no mark cold" in done.stderr


def test_children_are_compared_with_their_parents(tmp_path: Path) -> None:
    family = textwrap.dedent("""
        import multiprocessing, sys
        def work():
            global kept
            kept = bytes(int(sys.argv[1]))
        if __name__ == "__main__":
            child = multiprocessing.get_context("spawn").Process(target=work)
            child.start()
            child.join()
    """)
    (tmp_path / "family.py").write_text(family)
    for number, size in enumerate((2_000_000, 2_400_000)):
        done = mprof("heap", "-o", f"{number}.mprof", "family.py", str(size), cwd=tmp_path)
        assert done.returncode == 0
    got = diff(tmp_path / "0.mprof", tmp_path / "1.mprof")
    assert by_place(got["rows"])["work"]["growth"] == 400_000
    rows = diff(tmp_path / "0.mprof", tmp_path / "1.mprof", "--by", "process")["rows"]
    assert len(rows) >= 2
    alone = diff(tmp_path / "0.mprof", tmp_path / "1.mprof", "--no-children")
    assert "work" not in by_place(alone["rows"])


def page_of(before: Path, after: Path) -> dict:
    page = after.with_name("diff.html")
    output("diff", "-o", page.name, before, after, cwd=after.parent)
    return json.loads(page.read_text().split('id="data">')[1].split("</script>")[0])


def test_the_page_has_the_stacks_of_both(commits: tuple[Path, Path]) -> None:
    data, found = page_of(*commits), diff(*commits)
    frames = [
        dict(
            zip(
                ("caller", "before", "after", "grew", "shrank", "name", "file", "line"),
                frame,
                strict=True,
            )
        )
        for frame in data["frames"]
    ]
    root = frames[0]
    assert (root["before"], root["after"]) == (
        found["all"]["before"],
        found["all"]["after"],
    )
    assert root["grew"] + root["shrank"] == found["all"]["growth"]
    for number, frame in enumerate(frames[1:], 1):
        caller = frames[frame["caller"]]
        assert frame["caller"] < number
        assert all(frame[side] <= caller[side] for side in ("before", "after", "grew"))
        assert frame["after"] - frame["before"] == frame["grew"] + frame["shrank"]
    # one frame for the line that is at 47 now and was at 16
    (block,) = [
        frame for frame in frames if frame["name"] == "fill" and frame["grew"] > 1000
    ]
    assert block["grew"] == 400_000 and block["line"] == source_line(LATER, "bytearray")
    assert data["rows"][0][2] == 400_000 and data["rows"][0][4] == "fill"


def test_the_page_is_red_where_it_grew_and_blue_where_it_shrank(tmp_path: Path) -> None:
    shrunk = LATER.replace("bytes(100)", "bytes(50)")
    before, after = commit(tmp_path / "a", CACHE), commit(tmp_path / "b", shrunk)
    page_of(before, after)
    seen = look("look_diff.mjs", after.with_name("diff.html"), "fill")
    block = f"fill:{source_line(shrunk, 'bytearray')}"
    kept = f"Cache.put:{source_line(shrunk, 'bytes(50)')}"
    assert seen["first"]["frames"][block]["fill"].startswith("hsl(4 ")  # red
    assert seen["first"]["frames"][kept]["fill"].startswith("hsl(219 ")  # blue
    assert seen["first"]["current"] == "all" and " before, " in seen["first"]["chosen"]
    assert block in seen["growth"]["frames"] and kept not in seen["growth"]["frames"]
    assert seen["row"]["current"] == block and seen["search"]["current"].startswith("fill:")
    assert (
        seen["zoomed"]["reset"] and not seen["whole"]["reset"] and seen["theme"] == "dark"
    )
    assert [row.split()[0] for row in seen["rows"]][:2] == ["grew", "+390.6"]


def test_a_page_replaces_no_other_file_and_is_private(
    commits: tuple[Path, Path], tmp_path: Path
) -> None:
    (tmp_path / "mine.html").write_text("mine")
    done = mprof("diff", "--html", "mine.html", *commits, cwd=tmp_path)
    assert done.returncode == 1 and "not a page of ours; --force" in done.stderr
    assert (tmp_path / "mine.html").read_text() == "mine"
    assert (
        mprof("diff", "--html", "mine.html", "--force", *commits, cwd=tmp_path).returncode
        == 0
    )
    assert (tmp_path / "mine.html").stat().st_mode & 0o777 == 0o600
    assert mprof("diff", "--html", "mine.html", *commits, cwd=tmp_path).returncode == 0


@pytest.mark.parametrize(("words", "said"), [
    (["-o", "a.png", "a", "b"], "makes pages, not pictures: end a.png in .html"),
    (["-o", "a.html", "--by", "process", "a", "b"], "a page is of stacks, not --by process"),
    (["a.mprof"], "takes two captures, BEFORE and AFTER, or one and --between FROM,TO, was given one"),
    ([], "or one and --between FROM,TO, was given none"),
    (["a", "b", "c"], "takes two captures, was also given 'c'"),
    (["--by", "thread", "a", "b"], "not one of line, your-line, function, file, module, process"),
    (["--fail-over", "5x", "a", "b"], "not a size or a share, as 10MiB, 512K or 5%: '5x'"),
    (["--fail-over", "-1", "a", "b"], "not a size or a share, as 10MiB, 512K or 5%: '-1'"),
    (["--fail-over", "1e999", "a", "b"], "not a size or a share"),
    (["--format", "gitlab", "a", "b"], "not one of text, github"),
])  # fmt: skip
def test_what_cannot_be_is_one_line(tmp_path: Path, words: list[str], said: str) -> None:
    done = mprof("diff", *words, cwd=tmp_path)
    assert done.returncode == 2 and said in done.stderr and done.stderr.count("\n") == 1


def test_a_capture_that_is_not_there_is_one_line(commits: tuple[Path, Path]) -> None:
    done = mprof("diff", commits[0], "nothing.mprof", cwd=commits[0].parent)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "mprof: cannot read nothing.mprof: No such file or directory\n"
