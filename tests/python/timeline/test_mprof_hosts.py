"""mprof run on many machines: recordings that say whose they are."""

from __future__ import annotations

import json
import pathlib
import socket

import pytest

import pages
from memory_profiler._cluster import clocks
from recordings import Recorder

pytestmark = pytest.mark.one_version

HOST = socket.gethostname()


def header(path: pathlib.Path) -> dict[str, str]:
    first = path.read_text().splitlines()[0]
    return dict(field.split("=", 1) for field in first.split(" ") if "=" in field)


def test_a_recording_says_whose_it_is(here: Recorder) -> None:
    env = {"OMPI_COMM_WORLD_RANK": "3", "MPROF_WORKER": "a worker\nMEM 1 2"}
    assert here.mprof("run", "-o", "x.dat", "true", env=env).code == 0
    whose = header(here.path / "x.dat")
    with open("/proc/sys/kernel/random/boot_id") as boot:
        assert whose["clock"] == boot.read().strip()
    assert whose["host"] == HOST and whose["rank"] == "3"
    assert whose["worker"] == "a\\x20worker\\x0aMEM\\x201\\x202"


def test_a_name_tells_host_and_rank(here: Recorder) -> None:
    env = {"PMI_RANK": "12"}
    assert here.mprof("run", "-o", "%h-%r-100%%.dat", "true", env=env).code == 0
    assert (here.path / f"{HOST}-12-100%.dat").exists()
    done = here.mprof("run", "-o", "%r.dat", "true")
    assert done.code == 1 and done.err.count("\n") == 1 and "no rank for the %r" in done.err
    assert not (here.path / ".dat").exists()


def recording(
    here: Recorder, name: str, host: str, memory: list[float], *, at: float = 1000.0,
    rank: str = "", clock: str = "", pid: int = 7, end: str = "exit 0", before: str = "",
) -> pathlib.Path:  # fmt: skip
    """A file as mprof run writes it, a sample a second."""
    whose = f" host={host} clock={clock or host}" + (f" rank={rank}" if rank else "")
    lines = [f"MPROF 1 by=1.0.0 pid={pid} interval=1 metric=rss children=0{whose}"]
    lines += [f"CMDLINE {name}", *before.splitlines()]
    lines += [f"MEM {mib:.6f} {at + i:.4f}" for i, mib in enumerate(memory)]
    if end:
        lines.append(f"END {at + len(memory) - 1:.4f} {end} samples=1 late=0 unsampled=-1")
    (here.path / name).parent.mkdir(exist_ok=True)
    return here.write(name, "\n".join(lines) + "\n")


def figure(here: Recorder, *words: object, code: int = 0) -> dict:
    """The data block of a page."""
    done = here.mprof("plot", "--force", "-o", "x.html", *words)
    assert done.code == code, done.err
    text = (here.path / "x.html").read_text()
    return json.loads(text[text.index('id="data">') + 10 :].partition("</script>")[0])


def two_hosts(here: Recorder) -> None:
    """Equal pids on two hosts, whose clocks are 90 s apart: both ran at the same time."""
    recording(here, "run/a.dat", "node1", [10, 20, 30], rank="0")
    recording(here, "run/b.dat", "node2", [10, 50, 10], rank="1", at=1090.0)
    recording(here, "run/c.dat", "node2", [10] * 100, rank="2", at=1000.0)


def test_hosts_are_put_on_one_clock(here: Recorder) -> None:
    two_hosts(here)
    apart, one = figure(here, "run"), figure(here, "--clock", "node2=+90s", "run")
    peaks = [
        {lane["name"]: lane["peak_time"] for lane in whole["whole"]["lanes"]}
        for whole in (apart, one)
    ]
    assert peaks[0]["node2 rank 1"] == 91.0
    assert peaks[1]["node2 rank 1"] - peaks[1]["node1 rank 0"] == -1.0
    assert apart["whole"]["clocks"] == "clocks of 2 hosts not compared: node1, node2"
    assert one["whole"]["clocks"] is None
    (run,) = (run for run in one["runs"] if run["file"] == "run/b.dat")
    assert run["who"] == "node2 rank 1" and run["peak_time"] == peaks[1]["node2 rank 1"]


def test_clocks_that_an_engine_measured_lie_beside_the_recordings(here: Recorder) -> None:
    two_hosts(here)
    recording(here, "run/d.dat", "node3", [10] * 100, rank="3")
    clocks.write(str(here.path / "run"), {"node1": 0.0, "node2": 90.0})
    whole = figure(here, "run")["whole"]
    peaks = {lane["name"]: lane["peak_time"] for lane in whole["lanes"]}
    assert peaks["node2 rank 1"] - peaks["node1 rank 0"] == -1.0
    assert whole["clocks"] == "clock of 1 host not compared: node3"
    given = figure(here, "--clock", "node2=+80s", "run")["whole"]["lanes"]
    peaks = {lane["name"]: lane["peak_time"] for lane in given}
    assert peaks["node2 rank 1"] - peaks["node1 rank 0"] == 9.0
    here.write("run/clocks.txt", "node2\nnode2 much\n")
    done = here.mprof("plot", "--terminal", "run")
    assert "run/clocks.txt: skipped 2 lines that say no clock" in done.err


def test_containers_of_one_machine_have_one_clock(here: Recorder) -> None:
    for i in range(2):
        recording(here, f"{i}.dat", f"pod{i}", [10, 20], clock="boot", rank=str(i))
    assert figure(here, "*.dat")["whole"]["clocks"] is None


def test_a_clock_of_an_unknown_host_is_refused(here: Recorder) -> None:
    two_hosts(here)
    done = here.mprof("plot", "--terminal", "--clock", "node3=1s", "run")
    assert done.code == 1 and "no recording is of the host node3" in done.err
    for wrong in ("node2", "=1s", "node2=1h", "node2=nan"):
        done = here.mprof("plot", "--terminal", "--clock", wrong, "run")
        assert done.code == 2 and "HOST=SECONDS" in done.err


def test_runs_that_are_no_whole_begin_at_their_own_start(here: Recorder) -> None:
    here.write("old.dat", "CMDLINE a\nMEM 10.0 1000.0\nMEM 11.0 1001.0\n")
    here.write("older.dat", "CMDLINE a\nMEM 10.0 500.0\nMEM 11.0 501.0\n")
    recording(here, "monday.dat", "laptop", [10, 20], at=2000)
    recording(here, "tuesday.dat", "laptop", [10, 20], at=88400)
    two_hosts(here)
    for files in (
        ["old.dat", "older.dat"],
        ["monday.dat", "tuesday.dat"],
        ["--overlay", "run"],
    ):
        data = figure(here, *files)
        assert data["whole"] is None
        assert all(run["from"] == 0 and run["who"] is None for run in data["runs"])


def test_of_many_the_unlike_are_drawn_and_hosts_are_lanes(here: Recorder) -> None:
    for rank in range(200):
        memory, end = [100.0 + rank % 5] * 60, "exit 0"
        if rank == 77:
            memory[30] = 400.0
        if rank == 150:
            end = "signal 9"
        recording(
            here, f"run/{rank}.dat", f"node{rank // 50}", memory, rank=str(rank), end=end
        )
    data = figure(here, "run")
    assert [run["who"] for run in data["runs"]] == ["node3 rank 150", "node1 rank 77"]
    names = [lane["name"] for lane in data["whole"]["lanes"]]
    assert names == [
        "node0 (50)",
        "node1 (50)",
        "rank 77",
        "node2 (50)",
        "node3 (50)",
        "rank 150",
    ]
    host = data["whole"]["lanes"][1]
    assert host["peak"] == 400.0 and host["who"] == "rank 77"
    assert max(m for m in host["high"] if m is not None) == 400.0
    assert max(m for m in host["median"] if m is not None) == 102.0
    assert len(data["whole"]["all"]["kills"]) == 1
    assert (here.path / "x.html").stat().st_size < 500_000


def test_of_one_host_or_of_very_many_there_are_lanes(here: Recorder) -> None:
    for rank in range(60):
        recording(here, f"one/{rank}.dat", "node", [100.0] * 9, rank=str(rank))
        memory = [400.0 if rank == 55 else 100.0] * 9
        recording(here, f"many/{rank}.dat", f"node{rank}", memory, rank=str(rank))
    names = [lane["name"] for lane in figure(here, "one")["whole"]["lanes"]]
    assert names == ["node (60)", "rank 0"]
    whole = figure(here, "many")["whole"]
    assert len(whole["lanes"]) == 41 and whole["hosts_left"] == 20
    assert whole["lanes"][0]["name"] == "node0 rank 0"
    assert whole["lanes"][-1]["name"] == "node55 rank 55"


def test_faults_of_one_file_are_said_and_the_others_drawn(here: Recorder) -> None:
    two_hosts(here)
    cut = here.path / "run/a.dat"
    cut.write_bytes(cut.read_bytes()[:-30])
    here.write("run/no.dat", "MPROF 9 later\n")
    here.write("run/notes.txt", "nothing of ours\n")
    done = here.mprof("plot", "--terminal", "run", env={"LC_ALL": "C", "COLUMNS": "80"})
    assert done.code == 1 and done.err.count("\n") == 2
    assert "run/a.dat: incomplete: the last line is cut off" in done.err
    assert "run/no.dat was made by version 9" in done.err
    assert "3 recordings of 2 hosts" in done.out and done.out.isascii()
    assert [line.split()[:3] for line in done.out.splitlines()[2:5]] == [
        ["node1", "rank", "0"], ["node2", "rank", "1"], ["node2", "rank", "2"],
    ]  # fmt: skip
    assert all(len(line) <= 80 for line in done.out.splitlines())


def test_a_gap_a_limit_and_a_kill_are_in_a_lane(here: Recorder) -> None:
    recording(here, "a.dat", "n", [90.0] * 20 + [99.0], rank="0", end="signal 9",
              before="LIMIT 100.000000 1000.0000")  # fmt: skip
    path = recording(here, "b.dat", "n", [50.0] * 61, rank="1")
    kept = [line for i, line in enumerate(path.read_text().splitlines()) if not 20 < i < 40]
    path.write_text("\n".join(kept) + "\n")
    first, second = figure(here, "a.dat", "b.dat")["whole"]["lanes"]
    assert first["limit"] == 100.0 and first["kills"] == [[20.0, 1]]
    assert second["limit"] is None and None in second["high"][:400]
    shown = here.mprof("plot", "--terminal", "a.dat", "b.dat", env={"LC_ALL": "C"}).out
    row = shown.splitlines()[2]
    assert "X" in row and row.endswith("99.000 MiB of 100.000 MiB")


def test_peaks_are_told_by_host(here: Recorder) -> None:
    two_hosts(here)
    done = here.mprof("peak", "--by", "host", "run")
    rows = [line.split() for line in done.out.splitlines()]
    assert rows[1] == "50.000 MiB 10.000 MiB 60.000 MiB 2 node2, most: rank 1".split()
    assert rows[2] == "30.000 MiB 30.000 MiB 30.000 MiB 1 node1".split()
    assert "not at one moment" in done.out
    (one, *_) = json.loads(here.mprof("peak", "--by", "rank", "--json", "run").out)
    assert one["rank"] == "rank 1" and one["peak"] == 50 << 20
    plain = here.mprof("peak", "run/a.dat", "run/b.dat").out
    assert plain == "run/a.dat\t30.000 MiB\nrun/b.dat\t50.000 MiB\n"
    assert here.mprof("peak", "--by", "host", "--max", "40M", "run").code == 1


def test_a_picture_has_the_lanes(here: Recorder) -> None:
    pytest.importorskip("matplotlib")
    two_hosts(here)
    done = here.mprof("plot", "-o", "x.svg", "run")
    assert done.code == 0, done.err
    text = (here.path / "x.svg").read_text()
    assert "node2 rank 1" in text and "clocks of 2 hosts not compared" in text
    assert here.mprof("plot", "--classic", "-o", "old.svg", "run").code == 0
    assert "rank 1" not in (here.path / "old.svg").read_text()


def test_the_page_shows_and_tells_the_lanes(here: Recorder) -> None:
    two_hosts(here)
    figure(here, "run")
    seen = pages.look("look_lanes.mjs", here.path / "x.html")
    assert "3 recordings of 2 hosts" in seen["summary"]
    assert "clocks of 2 hosts not compared: node1, node2" in seen["summary"]
    assert seen["tip"].startswith("node2 rank 1\n") and "peak 50.000 MiB" in seen["tip"]
    assert seen["filled"] > 0
