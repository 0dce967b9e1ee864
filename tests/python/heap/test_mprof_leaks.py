"""`mprof leaks`: which of your lines hold more and more, and which only hold much."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import textwrap
from pathlib import Path

import pytest

from captures import MPROF, mprof, output
from heap_captures import CHUNK

pytestmark = pytest.mark.one_version

#: A web server with a cache that leaks 2 KiB a request beside one that forgets. Marks make it sure that
#: there are moments; the figures are the program's own, at the line that leaks.
SERVER = """
import collections, functools, http.client, http.server, json, sys, threading
from memory_profiler import heap

seen, recent = {}, collections.OrderedDict()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        number = int(self.path[1:])
        if LEAKS:
            seen[number] = bytes(2048)  # leaks
        recent[number] = json.dumps(list(range(400)))
        if len(recent) > 50:
            recent.popitem(last=False)
        body = render(number % 20)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


@functools.lru_cache(maxsize=16)
def render(number):
    return b"x" * (3000 + number)


def held():
    return sys.getsizeof(seen) + sum(map(sys.getsizeof, seen.values()))


def ask(first, last):
    for number in range(first, last):
        client = http.client.HTTPConnection(*server.server_address)
        client.request("GET", f"/{number}")
        client.getresponse().read()
        client.close()


def run():
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    ask(0, 200)
    heap.mark("warm")
    before = held()
    for number in range(200, 1200, 100):
        ask(number, number + 100)
        heap.mark(f"after {number}")
    print(json.dumps([before, held()]))
    server.shutdown()
    thread.join()


LEAKS = sys.argv[1] == "leaky"
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
run()
"""
LEAK = SERVER.split("\n").index("            seen[number] = bytes(2048)  # leaks") + 1


def serve(where: Path, *words: str, how: str = "leaky") -> tuple[Path, list[int]]:
    (where / "server.py").write_text(SERVER)
    os.utime(where / "server.py", (1, 1))
    done = mprof("heap", "-o", f"{how}.mprof", *words, "server.py", how, cwd=where)
    assert done.returncode == 0, done.stderr
    return where / f"{how}.mprof", json.loads(done.stdout)


@pytest.fixture(scope="module")
def leaky(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[int]]:
    return serve(tmp_path_factory.mktemp("leaky"))


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return serve(tmp_path_factory.mktemp("sound"), how="sound")[0]


def leaks(capture: Path, *words: str) -> dict:
    return json.loads(output("leaks", "--json", *words, capture.name, cwd=capture.parent))


def growing(found: dict) -> list[dict]:
    return [leak for leak in found["leaks"] if leak["kind"] == "grows"]


def test_the_line_that_leaks_comes_first_by_its_true_bytes_and_nothing_of_weight_beside_it(
    leaky: tuple[Path, list[int]],
) -> None:
    capture, (before, after) = leaky
    found = leaks(capture, "--since", "warm")
    assert found["verdict"] == "leaks"
    first, *others = growing(found)
    assert (first["file"], first["line"]) == (str(capture.parent / "server.py"), LEAK)
    assert first["function"] == "Handler.do_GET" and first["yours"]
    assert abs(first["growth"] - (after - before)) < 0.02 * (after - before)
    assert sum(leak["growth"] for leak in others) < 0.05 * first["growth"]
    assert first["rises"] >= 0.5 * first["steps"] and first["per_hour"] > 0
    assert first["per_hour_error"] < first["per_hour"]
    assert (
        first["older"] > 0.9 * before
    )  # of what was there when it was warm nothing was freed


def test_without_a_moment_the_first_quarter_is_left_out(
    leaky: tuple[Path, list[int]],
) -> None:
    found = leaks(leaky[0])
    whole = json.loads(output("report", "--json", leaky[0], cwd=leaky[0].parent))
    times = sorted(moment["time"] for moment in whole["moments"] + whole["marks"])
    assert found["from"] == times[len(times) // 4]
    assert growing(found)[0]["line"] == LEAK


IDLE = """
import time
from memory_profiler import heap
kept = []
for step in range(12):
    kept.append([bytes(1000) for _ in range(300)])
    heap.mark(f"step {step}")
time.sleep(0.5)
"""


def test_a_program_that_is_idle_after_all_has_a_first_quarter_too(tmp_path: Path) -> None:
    """Of its time all that it did is in the first quarter."""
    (tmp_path / "work.py").write_text(IDLE)
    assert mprof("heap", "-o", "a", "work.py", cwd=tmp_path).returncode == 0
    found = leaks(tmp_path / "a")
    assert found["verdict"] == "leaks" and growing(found)[0]["line"] == 6


def test_what_grows_and_all_else_sum_to_the_heaps_growth(
    leaky: tuple[Path, list[int]],
) -> None:
    found = leaks(leaky[0], "--since", "warm")
    grown = found["live_at_last"] - found["live_at_first"]
    assert sum(leak["growth"] for leak in found["leaks"]) + found["elsewhere"] == grown
    assert found["growing"] == sum(leak["growth"] for leak in growing(found))


def test_a_program_that_does_not_leak_is_told_so(sound: Path) -> None:
    found = leaks(sound, "--since", "warm")
    assert found["verdict"] == "none"
    text = output("leaks", "--since", "warm", sound.name, cwd=sound.parent)
    assert re.search(r"\nno leak seen: nothing keeps growing by 64\.0 KiB or more\n", text)
    assert "Keeps growing" not in text


def test_the_text_has_the_line_its_source_and_its_rate(
    leaky: tuple[Path, list[int]],
) -> None:
    text = output("leaks", "--since", "warm", leaky[0].name, cwd=leaky[0].parent)
    rows = text.partition("Keeps growing\n")[2].splitlines()
    assert rows[0].split() == ["growth", "an", "hour", "rose", "kept", "where"]
    assert re.fullmatch(
        rf" +\+2\.\d MiB +\+[\d.]+ [GMT]iB +\d+% +\d+%  server\.py:{LEAK} Handler\.do_GET",
        rows[1],
    )
    assert rows[2].strip() == "seen[number] = bytes(2048)  # leaks"
    assert "no leak seen" not in text


@pytest.mark.parametrize(
    ("limit", "code"), [("1MiB", 1), ("3MiB", 0), ("1%", 1), ("10000%", 0)]
)
def test_a_build_fails_where_a_leak_is_larger(
    leaky: tuple[Path, list[int]], limit: str, code: int
) -> None:
    capture = leaky[0]
    words = ["leaks", "--since", "warm", "--fail-over", limit, capture.name]
    done = mprof(*words, cwd=capture.parent)
    assert done.returncode == code
    said = "mprof: what keeps growing grew by 2"
    assert done.stderr.startswith(said) if code else not done.stderr


def test_a_sound_program_passes(sound: Path) -> None:
    done = mprof(
        "leaks", "--since", "warm", "--fail-over", "100K", sound.name, cwd=sound.parent
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_sampled_leak_is_found_and_its_noise_is_not(tmp_path: Path) -> None:
    capture, (before, after) = serve(tmp_path, "--sample", "4K")
    first, *_ = growing(leaks(capture, "--since", "warm"))
    assert first["line"] == LEAK
    error = 5 * (4096 * after) ** 0.5 + 5 * (4096 * before) ** 0.5
    assert abs(first["growth"] - (after - before)) < error


#: Nothing grows, but of samples in 512 KiB that says little: a fifth of the heap may have.
STEPS = """
from memory_profiler import heap
kept = [bytes(1000) for _ in range(8_000)]
for step in range(8):
    heap.mark(f"step {step}")
"""


def test_samples_too_few_to_tell_are_not_called_no_leak(tmp_path: Path) -> None:
    (tmp_path / "steps.py").write_text(STEPS)
    done = mprof("heap", "--sample", "512K", "-o", "a", "steps.py", cwd=tmp_path)
    assert done.returncode == 0
    found = leaks(tmp_path / "a", "--since", "step 0")
    assert (found["verdict"], found["least"]) == ("cannot tell", 2 << 20)
    text = output("leaks", "--since", "step 0", "a", cwd=tmp_path)
    assert (
        "\ntoo few samples: cannot tell what keeps growing, less than 2.0 MiB may" in text
    )
    assert "no leak" not in text
    for limit, code in (("1MiB", 1), ("3MiB", 0)):
        words = ["leaks", "--since", "step 0", "--fail-over", limit, "a"]
        done = mprof(*words, cwd=tmp_path)
        assert done.returncode == code
        assert ("cannot tell what keeps growing" in done.stderr) == code


def test_one_time_caches_and_imports_are_apart(tmp_path: Path) -> None:
    (tmp_path / "work.py").write_text(
        textwrap.dedent("""
        from memory_profiler import heap
        kept, table = [], []
        def warm_up():
            table.append([bytes(400) for _ in range(2000)])
        def load():
            import plugin
        heap.mark("start")
        for step in range(12):
            kept.append([bytes(400) for _ in range(500)])
            if step == 5:
                warm_up()
                load()
            heap.mark(f"step {step}")
    """)
    )
    (tmp_path / "plugin.py").write_text(
        "".join(
            f"def f{i}(a, b):\n    return 'a text of its own {i}' + a + b\n"
            for i in range(900)
        )
    )
    assert mprof("heap", "-o", "a.mprof", "work.py", cwd=tmp_path).returncode == 0
    found = leaks(tmp_path / "a.mprof", "--since", "start")
    kinds = {
        kind: [
            leak["line"]
            for leak in found["leaks"]
            if leak["kind"] == kind and leak["growth"] > 50_000
        ]
        for kind in ("grows", "stayed", "import")
    }
    assert kinds["grows"] == [10] and 5 in kinds["stayed"] and kinds["import"] == [7]
    text = output("leaks", "--since", "start", "a.mprof", cwd=tmp_path)
    titles = [
        text.index(f"\n{title}\n")
        for title in ("Keeps growing", "Grew, and stayed", "Imports")
    ]
    assert titles == sorted(titles)


def test_a_program_that_still_runs_and_one_that_was_killed(tmp_path: Path) -> None:
    (tmp_path / "work.py").write_text(
        textwrap.dedent("""
        import sys
        from memory_profiler import heap
        kept = []
        for step in range(10):
            kept.append([bytes(1000) for _ in range(100)])
            heap.mark(f"step {step}")
        print("ready", flush=True)
        sys.stdin.read()
    """)
    )
    command = [MPROF, "heap", "-o", "a.mprof", "work.py"]
    program = subprocess.Popen(command, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, start_new_session=True)  # fmt: skip
    assert program.stdout and program.stdout.readline() == b"ready\n"
    running = leaks(tmp_path / "a.mprof", "--since", "step 0")
    os.killpg(program.pid, signal.SIGKILL)
    program.communicate()
    killed = leaks(tmp_path / "a.mprof", "--since", "step 0")
    for found in (running, killed):
        assert found["incomplete"] and found["verdict"] == "leaks"
        assert growing(found)[0]["line"] == 6
        assert 900_000 < growing(found)[0]["growth"] < 1_000_000


def test_of_several_processes_the_one_that_leaks_is_shown(tmp_path: Path) -> None:
    (tmp_path / "work.py").write_text(
        textwrap.dedent("""
        import multiprocessing
        from memory_profiler import heap
        def leak():
            kept = []
            for step in range(10):
                kept.append([bytes(10_000) for _ in range(100)])
                heap.mark(f"step {step}")
        def rest():
            for step in range(10):
                heap.mark(f"step {step}")
        if __name__ == "__main__":
            context = multiprocessing.get_context("spawn")
            for target in (rest, leak, rest):
                child = context.Process(target=target)
                child.start()
                child.join()
    """)
    )
    assert mprof("heap", "-o", "a.mprof", "work.py", cwd=tmp_path).returncode == 0
    done = mprof("leaks", "--json", "--since", "step 0", "a.mprof", cwd=tmp_path)
    found = json.loads(done.stdout)
    assert done.returncode == 0 and found["capture"] != "a.mprof"
    assert re.search(r"of [45] processes a\.mprof\.\d+ keeps growing most", done.stderr)
    assert growing(found)[0]["line"] == 7
    done = mprof("leaks", "--since", "nowhere", "a.mprof", cwd=tmp_path)
    assert done.returncode == 1 and "a.mprof has no mark nowhere" in done.stderr


INNER = """
from memory_profiler import heap
with heap.track("inner"):
    kept = [bytes(1000) for _ in range(300)]
    heap.mark("a")
"""


def test_a_tracker_inside_another_says_that_the_other_has_moments(tmp_path: Path) -> None:
    (tmp_path / "work.py").write_text(INNER)
    assert mprof("heap", "-o", "outer", "work.py", cwd=tmp_path).returncode == 0
    text = output("leaks", "inner", cwd=tmp_path)
    assert (
        "\nno moments: cannot tell " in text and "inside another recording, whose" in text
    )
    text = output("leaks", "outer", cwd=tmp_path)
    assert "\ntoo short: cannot tell what keeps growing from " in text


def test_where_there_are_too_few_moments_it_is_said_and_what_is_live_is_shown(
    tmp_path: Path,
) -> None:
    (tmp_path / "work.py").write_text("kept = bytearray(1_000_000)\n")
    done = mprof("heap", "-o", "a.mprof", "work.py", cwd=tmp_path, MPROF_MOMENTS="0")
    assert done.returncode == 0
    found = leaks(tmp_path / "a.mprof")
    assert (found["verdict"], found["growing"]) == ("cannot tell", 0)
    text = output("leaks", "a.mprof", cwd=tmp_path)
    assert "\nno moments: cannot tell what keeps growing; it was recorded with MPR" in text
    assert re.search(r"\nwhat is live, beside the peak:\n", text) and "work.py:1" in text
    done = mprof("leaks", "--fail-over", "1M", "a.mprof", cwd=tmp_path)
    assert done.returncode == 1 and "cannot tell" in done.stderr


@pytest.mark.parametrize(("words", "code", "said"), [
    (["--since", "cold"], 1, "leaky.mprof has no mark cold: its marks are warm, after 200, "),
    (["--since", "99999s"], 1, "leaky.mprof has nothing at 99999s: it is of the time from 0 to "),
    (["--fail-over", "much"], 2, "not a size or a share, as 10MiB, 512K or 5%: 'much'"),
    (["b.mprof"], 1, "cannot read b.mprof: No such file"),
])  # fmt: skip
def test_what_cannot_be_is_one_line(
    leaky: tuple[Path, list[int]], words: list[str], code: int, said: str
) -> None:
    done = mprof("leaks", *words, leaky[0].name, cwd=leaky[0].parent)
    assert done.returncode == code and said in done.stderr and done.stderr.count("\n") == 1


def test_a_capture_cut_short_is_read(leaky: tuple[Path, list[int]], tmp_path: Path) -> None:
    content = leaky[0].read_bytes()
    for chunks in range(1, len(content) // CHUNK, 3):
        (tmp_path / "cut.mprof").write_bytes(content[: chunks * CHUNK])
        done = mprof("leaks", "cut.mprof", cwd=tmp_path)
        assert done.returncode in (0, 1) and not done.returncode == bool(done.stdout)
