"""`mprof objects`: who held objects when a recording ended."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from captures import mprof, output, page_of

pytestmark = pytest.mark.one_version

PROGRAM = """
class Row:
    def __init__(self, number):
        self.number, self.text = number, str(number) * 20
cache = {f"user:{i}": Row(i) for i in range(4000)}
def load(count):
    return [str(i) * 100 for i in range(count)]
table = load(4000)
"""


#: Has no address space left in which somebody could look.
LIMITED = """
import resource
kept = [[i] for i in range(400_000)]
pages = int(open("/proc/self/statm").read().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (pages * 4096 + (4 << 20),) * 2)
"""


#: Each process has its own, the third is killed.
FAMILY = """
import os
class Row:
    def __init__(self, number):
        self.text = str(number) * 20
for count in (3000, 6000, 10):
    if not os.fork():
        kept = [Row(i) for i in range(count)]
        if count == 10:
            os.kill(os.getpid(), 9)
        break
    os.wait()
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("objects")
    (folder / "app.py").write_text(PROGRAM)
    mprof("heap", "--types", "-o", "a.mprof", "app.py", cwd=folder)
    mprof("heap", "-o", "without.mprof", "app.py", cwd=folder)
    (folder / "killed.py").write_text("import os; os.kill(os.getpid(), 9)")
    mprof("heap", "--types", "-o", "killed.mprof", "killed.py", cwd=folder)
    (folder / "limited.py").write_text(LIMITED)
    mprof("heap", "--types", "-o", "limited.mprof", "limited.py", cwd=folder)
    return folder


def rows(folder: Path, *words: str) -> list[dict]:
    return json.loads(output("objects", "--json", *words, "a.mprof", cwd=folder))["rows"]


def test_the_ways_to_a_types_objects_are_named(folder: Path) -> None:
    (row,) = rows(folder, "--type", "Row")
    assert row["path"] == "__main__.cache['user:…']" and row["objects"] == 4000
    assert row["kind"] == "type" and row["of"] == "Row" and not row["others"]
    texts = sum(sys.getsizeof(str(i) * 20) for i in range(4000))
    assert texts < row["retained"] - row["bytes"] < texts + 4000 * 200
    text = output("objects", "--type", "Row", "a.mprof", cwd=folder)
    assert "Who holds Row\n" in text and "4,000  __main__.cache['user:…']\n" in text


def test_what_a_line_allocated_is_held_where_it_is(folder: Path) -> None:
    found = rows(folder, "--line", "app.py:7")
    assert {row["of"] for row in found} == {str(folder / "app.py") + ":7"}
    ways = {row["path"]: row["objects"] for row in found}
    assert ways["__main__.table[…]"] == 4000
    assert "app.py:7 load" in output("objects", "a.mprof", cwd=folder)


def test_what_retains_most_comes_first(folder: Path) -> None:
    found = rows(folder, "--retained")
    first = {row["path"] for row in found[:3]}  # the module that has both, too
    assert first >= {"__main__.cache", "__main__.table"}
    assert found == sorted(found, key=lambda row: -row["retained"])
    assert {row["kind"] for row in found} == {"largest"}
    text = output("objects", "--retained", "a.mprof", cwd=folder)
    assert "What retains most" in text and "Who holds" not in text


def tree(text: str) -> list[tuple[int, str, float]]:
    """How far in each row of the owners stands, its name and its share in percent."""
    _, _, told = text.partition("kept by\n")
    found = []
    for row in told.partition("\n\n")[0].splitlines():
        name = row[44:]
        indent = len(name) - len(name.lstrip())
        found.append((indent, name.strip(), float(row[11:19].rstrip("%"))))
    return found


def test_what_is_kept_alone_is_a_tree(folder: Path) -> None:
    text = output("objects", "--retained", "a.mprof", cwd=folder)
    shown = tree(text)
    names = [(indent, name) for indent, name, _ in shown]
    at = names.index((0, "__main__"))
    assert names[at + 1 : at + 3] == [(2, ".table: list"), (4, "as […]: str")]
    cache = names.index((2, ".cache: dict"))
    assert (4, "as ['user:…']: Row") in names[cache + 1 : cache + 3]
    shares = [share for indent, _, share in shown if not indent]
    assert sum(shares) == pytest.approx(100, abs=1)
    whole = output("objects", "a.mprof", cwd=folder)  # behind what retains most
    retained, owners, types = (
        whole.index(title) for title in ("What retains most", "Who keeps what", "Who holds")
    )
    assert retained < owners < types and tree(whole)[: at + 3] == shown[: at + 3]


def test_the_tree_is_flat_rows_with_their_parents_in_json(folder: Path) -> None:
    made = json.loads(output("objects", "--retained", "--json", "a.mprof", cwd=folder))
    owners = made["owners"]
    at = {row["path"]: i for i, row in enumerate(owners) if row["objects"] == 1}
    (rows_of,) = [row for row in owners if row["of"] == "Row" and row["objects"] == 4000]
    cache = owners[rows_of["parent"]]
    assert cache["path"] == "__main__.cache" and cache["parent"] == at["__main__"]
    assert owners[at["__main__"]]["parent"] is None
    below: dict[int | None, int] = {}
    for number, row in enumerate(owners):
        assert row["parent"] is None or row["parent"] < number
        below[row["parent"]] = below.get(row["parent"], 0) + row["retained"]
    assert below.pop(None) <= made["reached"]
    assert all(kept <= owners[number]["retained"] for number, kept in below.items())
    for words in (["--type", "Row"], ["--line", "app.py:7"], ["--waste"]):
        other = json.loads(output("objects", *words, "--json", "a.mprof", cwd=folder))
        assert "owners" not in other
    _, data = page_of(folder / "a.mprof")
    drawn = [row[1:6] for row in data["holders"]["rows"] if row[0] == "owner"]
    keys = "of", "path", "objects", "bytes", "retained"
    assert [[row[key] for key in keys] for row in owners] == drawn


#: Sixty lists of the same size, and what has long names.
MANY = """
class Some: pass
many = Some()
for number in range(60):
    setattr(many, f"list_{number}", [f"{number} {i}" * 9 for i in range(2000)])
at = many
for number in range(9):
    at.inner = at = type("Thing" * 20, (), {})()
at.kept = {"key" * 60 + str(number): [number] for number in range(4000)}
"""


@pytest.mark.parametrize(("words", "most"), [(["--retained"], 40), ([], 16)])
def test_the_tree_has_few_rows_that_fit(
    tmp_path: Path, words: list[str], most: int
) -> None:
    (tmp_path / "app.py").write_text(MANY)
    mprof("heap", "--types", "-o", "a.mprof", "app.py", cwd=tmp_path)
    for width, columns in ((120, ""), (90, "90")):
        done = mprof("objects", *words, "a.mprof", cwd=tmp_path, COLUMNS=columns)
        assert len(tree(done.stdout)) == most + 1  # what has no row is one
        told = done.stdout.partition("kept by\n")[2].partition("\n\n")[0].splitlines()
        assert max(map(len, told)) <= width and told[-1].endswith("  (what retains less)")


@pytest.mark.parametrize("words", [[], ["--retained"], ["--waste"]])
def test_all_of_it_fits_a_terminal_of_forty_columns(
    tmp_path: Path, words: list[str]
) -> None:
    (tmp_path / "app.py").write_text(MANY)
    mprof("heap", "--types", "-o", "a.mprof", "app.py", cwd=tmp_path)
    has_tree = {}
    for width in (40, 45, 52, 60, 68, 80):
        done = mprof("objects", *words, "a.mprof", cwd=tmp_path, COLUMNS=str(width))
        told = done.stdout.splitlines()
        assert max(map(len, told)) <= width, width
        has_tree[width] = any(line.endswith("  kept by") for line in told)
    assert has_tree[40] is has_tree[80] is (words != ["--waste"])


@pytest.mark.parametrize(("words", "said"), [
    (["without.mprof"], "record with mprof heap --types"),
    (["killed.mprof"], "that is asked when it ends, but the program was killed, or"),
    (["limited.mprof"], "there was no memory to look"),
    (["--type", "nosuch", "a.mprof"], "has no row of nosuch"),
    (["--line", "app.py:1", "a.mprof"], "has no row of app.py:1"),
    (["--line", "app.py", "a.mprof"], "a line is written as app.py:12"),
])  # fmt: skip
def test_what_is_not_there_is_one_line(folder: Path, words: list[str], said: str) -> None:
    done = mprof("objects", *words, cwd=folder)
    assert done.returncode and not done.stdout
    assert said in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_several_processes_each_say_their_own_the_largest_first(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(FAMILY)
    mprof("heap", "--types", "-o", "a.mprof", "app.py", cwd=tmp_path)
    text = output("objects", "--type", "Row", "a.mprof", cwd=tmp_path)
    large, small = text.split("\n\nprocess ")[:2]
    assert large.startswith("process ") and ", a.mprof." in large.splitlines()[0]
    assert "6,000  __main__.kept[…]" in large and "3,000  __main__.kept[…]" in small
    assert "\nnot known of 1: killed, or recorded without --types\n" in text
    made = json.loads(output("objects", "--json", "a.mprof", cwd=tmp_path))
    assert made["capture"] == "a.mprof" and made["without"] == 1 and made["rows"]
    assert made["process"]["capture"] == "a.mprof" and made["process"]["pid"]
    for other, count in zip(made["others"], (6000, 3000), strict=True):
        assert other["capture"] == f"a.mprof.{other['pid']}" and "waste" in other
        (row,) = [
            row for row in other["rows"] if (row["kind"], row["of"]) == ("type", "Row")
        ]
        assert row["objects"] == count
    alone = output("objects", "--no-children", "--retained", "a.mprof", cwd=tmp_path)
    assert not alone.startswith("process ")
    assert "process" not in json.loads(
        output("objects", "--no-children", "--json", "a.mprof", cwd=tmp_path)
    )
    done = mprof("objects", "--type", "Nobody", "a.mprof", cwd=tmp_path)
    assert done.returncode and "has no row of Nobody" in done.stderr


#: Each rank holds more than the one before.
RANKED = """
import os
class Row: pass
kept = [Row() for _ in range(1000 * (1 + int(os.environ["PMI_RANK"])))]
"""


def test_of_a_merged_run_each_says_its_rank_and_how_to_see_one_that_is_left_out(
    tmp_path: Path,
) -> None:
    (tmp_path / "app.py").write_text(RANKED)
    for rank in range(6):
        name = f"r{rank}.mprof"
        mprof("heap", "--types", "-o", name, "app.py", cwd=tmp_path, PMI_RANK=str(rank))
    names = [f"r{rank}.mprof" for rank in range(6)]
    assert not mprof("merge", "-o", "all.mprof", *names, cwd=tmp_path).returncode
    text = output("objects", "--retained", "all.mprof", cwd=tmp_path)
    heads = [line for line in text.splitlines() if line.startswith("process ")]
    assert [head.split(", ", 1)[1] for head in heads] == [
        f"rank {rank}, all.mprof/r{rank}.mprof: app.py" for rank in (5, 4, 3, 2)
    ]
    *_, last = text.splitlines()
    said, command = last.split("mprof objects ")
    assert said == "2 more, which held less: name one, such as "
    one = output("objects", "--type", "Row", command, cwd=tmp_path)
    assert command == "all.mprof/r1.mprof" and "2,000  __main__.kept[…]" in one
    made = json.loads(output("objects", "--json", "all.mprof", cwd=tmp_path))
    whose = [made["process"], *made["others"]]
    assert [one["rank"] for one in whose] == ["0", "5", "4", "3", "2", "1"]
    assert all(one["capture"] == f"all.mprof/r{one['rank']}.mprof" for one in whose)
