"""Captures of several processes and machines in one view."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from cluster import MIB, WORKER, record, rows, told
from recordings import Recorder

pytestmark = pytest.mark.one_version


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(Recorder(tmp_path_factory.mktemp("cluster"))).parent


@pytest.fixture
def there(recorded: Path, tmp_path: Path) -> Recorder:
    """A copy that a test may change."""
    shutil.copytree(recorded, tmp_path / "copy")
    return Recorder(tmp_path / "copy")


def load(got: dict) -> int:
    (line,) = [line for line in got["lines"] if line["function"] == "load"]
    return line["at_peak"]


def test_a_folder_of_captures_is_one_view_and_sums(there: Recorder) -> None:
    got = told(there, "report", "--json", "run")
    assert load(got) == pytest.approx(22 * MIB, rel=0.01)
    assert len(got["processes"]) == 4
    named = told(there, "report", "--json", "run/r0.mprof", "run/node2/r1.mprof")
    assert load(named) == pytest.approx(8 * MIB, rel=0.01)
    matched = told(there, "report", "--json", "run/node2/r?.mprof")
    assert load(matched) == pytest.approx(18 * MIB, rel=0.01)  # with the child of one
    alone = told(there, "report", "--json", "--no-children", "run/node2/r?.mprof")
    assert load(alone) == pytest.approx(16 * MIB, rel=0.01)


def test_several_captures_are_exported_together(there: Recorder) -> None:
    done = there.mprof("export", "--to", "csv", "run")
    assert done.code == 0, done.err
    sizes = [int(row.split(",")[0]) for row in done.out.splitlines()[1:] if "load" in row]
    assert sum(sizes) == pytest.approx(22 * MIB, rel=0.01)
    two = there.mprof("export", "--to", "csv", "run/r0.mprof", "run/node2/r1.mprof")
    assert (
        sum(int(row.split(",")[0]) for row in two.out.splitlines()[1:] if "load" in row)
        > 8 * MIB
    )


def test_hosts_workers_and_ranks_have_their_own_sums(there: Recorder) -> None:
    hosts = rows(there, "host")
    assert {name: row["processes"] for name, row in hosts.items()} == {
        "node1": 1,
        "node2": 3,
    }
    assert hosts["node2"]["at_peak"] == pytest.approx(18 * MIB, rel=0.05)
    workers = rows(there, "worker")
    assert set(workers) == {"rank 0", "rank 1", "etl-2"}
    assert workers["etl-2"]["processes"] == 2  # its child is no worker of its own
    assert set(rows(there, "rank")) == {"rank 0", "rank 1", "rank 2"}
    got = told(there, "table", "--json", "--by", "process", "run")
    firsts = [row["pid"] for row in got["rows"] if not row["parent"]]
    assert len(firsts) == 3 and len(set(firsts)) < 3  # equal pids, of two machines
    text = there.mprof("report", "--by", "worker", "run").out
    assert "etl-2" in text.split("worker\n")[1].splitlines()[0]


def test_the_line_where_one_worker_holds_more_than_the_others(there: Recorder) -> None:
    got = told(there, "table", "--json", "--by", "worker", "--spread", "run")
    first = got["rows"][0]
    assert (first["function"], first["worker"], got["groups"]) == ("load", "etl-2", 3)
    assert first["most"] == pytest.approx(14 * MIB, rel=0.01)  # with its child
    assert first["median"] == pytest.approx(4 * MIB, rel=0.01)
    assert first["sum"] == pytest.approx(22 * MIB, rel=0.01)
    (row,) = [
        line for line in there.mprof("table", "--by", "worker", "--spread", "run").out.splitlines()
        if "load" in line
    ]  # fmt: skip
    assert row.split()[4:6] == ["3.5", "etl-2"] and "work.py:" in row
    alone = there.mprof("table", "--by", "worker", "--spread", "run/r0.mprof")
    assert alone.code == 1 and "here is one" in alone.err
    assert there.mprof("table", "--spread", "run").code == 2


LOOKED = """
import os, signal, sys
from memory_profiler._cluster import recording
settings = recording.Settings(None, False, "run")
settings.run = "x"
assert not recording.look(1, 1, 1, 1)
recording.begin(settings, sys.argv[1])
def load(mib):
    return bytearray(mib << 20)
kept = load(50)
assert recording.look(300 << 20, 100 << 20, 7 << 20, int(sys.argv[2]) << 20)
kept = load(20)
assert recording.look(200 << 20, 220 << 20, 0, int(sys.argv[2]) << 20)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_an_engine_manages_of_its_workers_is_told(here: Recorder) -> None:
    record(here)  # some without an engine
    for words in (["w1", "400"], ["w2", "0"]):
        program = [sys.executable, "-c", LOOKED, *words]
        assert subprocess.run(program, cwd=here.path).returncode == -9
    text = here.mprof("report", "--by", "worker", "run").out
    rows = text.partition("when their RSS was the most\n")[2].splitlines()
    figures = "300.0 MiB 100.0 MiB 200.0 MiB 50.0 MiB 7.0 MiB".split()
    for row, limit in zip(rows[::2], ("400.0 MiB", "-")):
        assert row.split()[:10] == figures and f" {limit}  worker w" in row
        assert row.endswith(", killed")
    assert len(rows) == 4 and all(
        "70.0 MiB at <string>:9 load" in row for row in rows[1::2]
    )
    report = here.mprof("report", "run").out
    assert (
        "RSS 200.0 MiB when last looked at, of it 220.0 MiB managed, limit 400.0" in report
    )
    engines = [one["engine"] for one in told(here, "report", "--json", "run")["processes"]]
    assert engines.count(None) == len(engines) - 2
    last = [one["last"] for one in engines if one]
    assert [(look["spilled"], look["unmanaged"]) for look in last] == [(0, 0), (0, 0)]


ANNOUNCED = """
import os
from memory_profiler import heap
from memory_profiler._cluster import recording
settings = [recording.Settings(None, False, "run") for _ in range(2)]
said = lambda: os.environ.get("MPROF_HEAP", "").rpartition(":")[2]
with recording.announced(settings[0]):
    assert said() == settings[0].place() + "/"
    with recording.announced(settings[1]):
        assert said() == settings[1].place() + "/"
assert not said()
first, second = map(recording.announced, settings)
first.__enter__()
second.__enter__()
second.__exit__(None, None, None)
assert said() == settings[1].place() + "/"
heap.start("a.mprof", children=True)
with recording.announced(settings[0]):
    assert said().endswith("/a.mprof")
first.__exit__(None, None, None)
assert said().endswith("/a.mprof")
heap.stop()
assert not said()
"""


def test_a_recording_of_ones_own_keeps_its_children_while_a_nanny_starts_workers(
    here: Recorder,
) -> None:
    """A LocalCluster's nannies are in the program itself."""
    subprocess.run([sys.executable, "-c", ANNOUNCED], cwd=here.path, check=True)


def test_no_moment_is_claimed_across_clocks(there: Recorder) -> None:
    text = there.mprof("report", "run").out
    assert "machines with clocks of their own" in text
    assert "not known: no moment of several clocks is one" in text
    refused = there.mprof("report", "--at", "0.001s", "run")
    assert refused.code == 1 and "name a mark" in refused.err
    assert there.mprof("plot", "-o", "p.html", "run/r0.mprof").code == 0
    at_mark = told(there, "report", "--json", "--at", "loaded", "run")
    assert load(at_mark) == pytest.approx(20 * MIB, rel=0.01)  # each at its own
    one_clock = there.mprof("report", "run/node2").out
    assert "clocks" not in one_clock and "  together" in one_clock


def test_a_merged_file_is_what_its_members_are(there: Recorder) -> None:
    whole = told(there, "table", "--json", "run")
    assert there.mprof("merge", "-o", "all.mprof", "run").code == 0
    assert told(there, "table", "--json", "all.mprof") == whole
    assert set(rows(there, "worker", "all.mprof")) == {"rank 0", "rank 1", "etl-2"}
    member = told(there, "report", "--json", "all.mprof/r1.mprof")
    assert load(member) == pytest.approx(4 * MIB, rel=0.01)
    assert member["incomplete"] is None
    missing = there.mprof("report", "all.mprof/other.mprof")
    assert missing.code == 1 and "No such file" in missing.err
    again = there.mprof("merge", "-o", "all.mprof", "run")
    assert again.code == 1 and "--force" in again.err
    assert there.mprof("merge", "-o", "two.mprof", "all.mprof", "run/r0.mprof").code == 0
    assert told(there, "table", "--json", "two.mprof") == whole  # once, though named twice


def test_a_copy_beside_its_original_is_counted_once(there: Recorder) -> None:
    whole = told(there, "table", "--json", "run")
    assert there.mprof("merge", "-o", "run/all.mprof", "run").code == 0
    done = there.mprof("table", "--json", "run")
    assert "copies of others here" in done.err
    assert told(there, "table", "--json", "run") == whole


def test_what_cannot_be_read_is_said_and_the_others_are_shown(there: Recorder) -> None:
    with open(there.path / "run" / "node2" / "r1.mprof", "r+b") as file:
        file.truncate(30000)
    done = there.mprof("report", "run")
    assert done.code == 0
    assert "r1.mprof is damaged" in done.err
    assert "1 more capture could not be read" in done.out
    merged = there.mprof("merge", "-o", "all.mprof", "run")
    assert merged.code == 1 and "1 could not be read" in merged.err
    assert len(told(there, "report", "--json", "all.mprof")["processes"]) == 3


@pytest.mark.parametrize(("name", "said"), [
    ("empty", "no heap capture below"), ("no*.mprof", "nothing matches"), ("gone", "cannot read"),
])  # fmt: skip
def test_what_names_no_capture_is_one_line(there: Recorder, name: str, said: str) -> None:
    (there.path / "empty").mkdir()
    done = there.mprof("report", name)
    assert (done.code, done.out) == (1, "") and said in done.err
    assert len(done.err.splitlines()) == 1


def test_a_damaged_index_is_refused(there: Recorder) -> None:
    assert there.mprof("merge", "-o", "all.mprof", "run").code == 0
    sound = (there.path / "all.mprof").read_bytes()
    index, size = struct.unpack_from("<QQ", sound, 16)
    for at in [*range(8, 32), *range(index, index + size, 13)]:
        broken = bytearray(sound)
        broken[at] ^= 0xFF
        (there.path / "all.mprof").write_bytes(broken)
        done = there.mprof("table", "--json", "all.mprof")
        assert done.code in (0, 1), (at, done.err)
        assert done.code == 0 or done.err.startswith("mprof: ")


def test_a_header_that_ends_before_the_identity_is_read(there: Recorder) -> None:
    with open(there.path / "run" / "r0.mprof", "r+b") as file:
        file.seek(12)
        file.write(struct.pack("<I", 59744))
    assert load(told(there, "report", "--json", "run/r0.mprof")) == pytest.approx(
        4 * MIB, rel=0.01
    )
    assert list(rows(there, "host", "run/r0.mprof")) == ["(host not known)"]


def test_names_have_host_pid_and_rank_in_them(here: Recorder) -> None:
    here.write("work.py", WORKER)
    words = "heap", "--no-native", "-o"
    env = {"OMPI_COMM_WORLD_RANK": "3", "SLURM_PROCID": "9"}
    done = here.mprof(*words, "%h.%p.%r.100%%.mprof", "work.py", "1", env=env)
    assert done.code == 0, done.err
    (capture,) = here.path.glob("*.mprof")
    pid = told(here, "table", "--json", "--by", "process", capture.name)["rows"][0]["pid"]
    assert capture.name == f"{os.uname().nodename}.{pid}.3.100%.mprof"
    refused = here.mprof(*words, "run.%r.mprof", "work.py", "1")
    assert refused.code == 2 and "no rank" in refused.err


def test_processes_without_a_first_one_record_into_a_folder(here: Recorder) -> None:
    here.write("work.py", WORKER)
    folder = here.path / "far" / "captures"
    for worker in "a", "b":
        done = subprocess.run(
            [sys.executable, "work.py", "3", "fork"], cwd=here.path, capture_output=True, text=True,
            env={**os.environ, "MPROF_HEAP": f"1:5f,sample=1,native=0:{folder}/", "MPROF_WORKER": worker},
        )  # fmt: skip
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert len(list(folder.glob(f"{os.uname().nodename}.*.mprof"))) == 4
    workers = rows(here, "worker", "far")
    assert {name: row["processes"] for name, row in workers.items()} == {"a": 2, "b": 2}
    assert load(told(here, "report", "--json", "far")) == pytest.approx(10 * MIB, rel=0.01)


def test_python_processes_of_another_program_record_into_a_folder(here: Recorder) -> None:
    here.write("work.py", WORKER)
    script = (
        f"cd / && {sys.executable} {here.path}/work.py 3 & {sys.executable} work.py 5; wait"
    )
    done = here.mprof("heap", "--no-native", "-o", "new/", "sh", "-c", script)
    assert done.code == 0 and "mprof report new/" in done.err
    assert load(told(here, "report", "--json", "new")) == pytest.approx(8 * MIB, rel=0.01)
    assert here.mprof("heap", "-o", "new/", "sh", "-c", "exit 7").code == 7
    here.write("launch", "#!/bin/sh\nexit 9\n").chmod(0o755)
    assert here.mprof("heap", "-o", "new/", "./launch").code == 9
    refused = here.mprof("heap", "-o", "new/", "--max", "1G", "sh", "-c", "exit 7")
    assert refused.code == 2 and "--max" in refused.err
    no_folder = here.mprof("heap", "-o", "work.py/", "sh", "-c", "exit 7")
    assert no_folder.code == 125 and "work.py/" in no_folder.err
    for words in (["-o", "a.mprof", "sh"], ["-o", "a.mprof", shutil.which("sh")], ["sh"]):
        alone = here.mprof("heap", *words, "-c", "exit 7")
        assert alone.code == 1 and "-o FOLDER/" in alone.err


def test_a_launchers_folder_has_a_name_of_its_own(here: Recorder) -> None:
    here.write("work.py", WORKER)
    here.write("mpirun", f"#!/bin/sh\n{sys.executable} work.py $1\n").chmod(0o755)
    for kept in ("5", "3"):
        assert here.mprof("heap", "--no-native", "./mpirun", kept).code == 0
    folders = sorted(path.name for path in here.path.glob("mprofheap_*"))
    assert len(folders) == 2 and all((here.path / name).is_dir() for name in folders)
    held = [load(told(here, "report", "--json", name)) for name in folders]
    assert sorted(held) == pytest.approx([3 * MIB, 5 * MIB], rel=0.01)


def test_a_folder_that_cannot_be_leaves_the_program_alone(here: Recorder) -> None:
    here.write("work.py", WORKER)
    here.write("taken", "")
    for value in (
        f"1:5f:{here.path}/taken/",
        "1:x:/tmp/",
        f"1:5f,sample=much:{here.path}/new/",
    ):
        done = subprocess.run(
            [sys.executable, "work.py", "1"], cwd=here.path, capture_output=True, text=True,
            env={**os.environ, "MPROF_HEAP": value},
        )  # fmt: skip
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not list(here.path.glob("**/*.mprof"))


STARTS = """
import os, subprocess, sys
for name in "worker", "monitor", "worker", "agent":
    subprocess.run([sys.executable, "-c", "kept = bytearray(1 << 20)", name], check=True)
if not os.fork():
    os._exit(0)
os.wait()
"""


@pytest.mark.parametrize(("words", "count"), [
    ([], 6), (["--only", "wor*r"], 3), (["--except", "monitor", "--except", "ag*nt"], 4),
    (["--only", "worker", "--only", "agent", "--except", "agent"], 3), (["--max-children", "2"], 3),
])  # fmt: skip
def test_which_processes_record_is_chosen(
    here: Recorder, words: list[str], count: int
) -> None:
    here.write("starts.py", STARTS)
    done = here.mprof("heap", "--no-native", *words, "-o", "a.mprof", "starts.py")
    assert done.code == 0, done.err
    assert len(list(here.path.glob("a.mprof*"))) == count
    assert ("a run keeps 2; mprof heap --max-children N" in done.err) == (
        "--max-children" in words
    )


def test_a_pattern_that_cannot_be_is_a_usage_error(here: Recorder) -> None:
    for words in (["--only", ""], ["--except", "ray::IDLE"], ["--max-children", "0"]):
        done = here.mprof("heap", *words, "x.py")
        assert done.code == 2 and len(done.err.splitlines()) == 1
