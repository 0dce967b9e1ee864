"""What live blocks are, beside guppy3, pympler and objgraph: seconds of the processor for one count of a program's objects.
And who holds them: what one object retains, and the way to one by names; and how long the program stands for that.

Prints three tables; every figure is of this run. PEERS_PYTHON names an interpreter that has the peers; without it ours alone is
measured. Run it with the interpreter that has ours: make bench.

Objects are those that a tool counts: objgraph counts what the collector follows, the others strings and numbers too;
ours also what they keep beside, and at which line each was allocated.

A row has 25 seconds, one of the last table 50, then it says so: all of it ends within six minutes. A number makes it smaller:
`bench/objects.py 0.1` is a tenth of the objects.
"""

import json
import os
import subprocess
import sys

PROGRAM = """
import json, resource, sys, time
class Node:
    def __init__(self, number):
        self.number, self.name, self.peers = number, f"node {number}", [number, number + 1]

def make(count=COUNT):
    return ({i: Node(i) for i in range(count)}, [(i, str(i)) for i in range(count)], [float(i) for i in range(count)])

def measure(count):
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    best = None
    for _ in range(rounds):
        start = time.thread_time()
        objects = count()
        seconds = time.thread_time() - start
        best = seconds if best is None else min(best, seconds)
    more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - most
    print(json.dumps([best, objects, more]))

def measure_with_children(find):
    before, most = resource.getrusage(resource.RUSAGE_CHILDREN), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.thread_time()
    objects = find()
    seconds = time.thread_time() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds += after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    peak = max(after.ru_maxrss, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    print(json.dumps([seconds, objects, peak - most]))
"""

MOST_SECONDS, MOST_SECONDS_STANDING = 25, 50  # of a row
COUNT = 330_000

TOOLS = {
    "memory_profiler, by type": (5, """
from memory_profiler import heap
with heap.track(types=False) as tracker:
    kept = make()
    measure(lambda: sum(row.objects for row in tracker.types()))
"""),
    "memory_profiler, by line and type": (5, """
from memory_profiler import heap
with heap.track(types=False) as tracker:
    kept = make()
    measure(lambda: sum(row.objects for row in tracker.types("line")))
"""),
    "guppy3, heap()": (2, """
from guppy import hpy
kept = make()
guppy = hpy()
measure(lambda: guppy.heap().count)
"""),
    "pympler, muppy and summary": (1, """
from pympler import muppy, summary
kept = make()
measure(lambda: sum(row[1] for row in summary.summarize(muppy.get_objects())))
"""),
    "objgraph, typestats()": (2, """
import objgraph
kept = make()
measure(lambda: sum(objgraph.typestats(shortnames=False).values()))
"""),
}  # fmt: skip

#: What `kept` retains, of as many objects as the tool looks at; where there is none, the way to one.
HOLDERS = {
    "memory_profiler, holders()": (1, """
from memory_profiler import heap
kept = make()
measure_with_children(lambda: heap.holders(kept[0]).objects)
"""),
    "memory_profiler, waste()": (1, """
from memory_profiler import heap
kept = make()
measure_with_children(lambda: heap.waste().objects)
"""),
    "guppy3, domisize": (1, """
from guppy import hpy
kept = make()
guppy = hpy()
count = guppy.heap().count
measure_with_children(lambda: guppy.iso(kept[0]).domisize and count)
"""),
    "pympler, asizeof: what it reaches": (1, """
from pympler import asizeof
kept = make()
def find():
    sizer = asizeof.Asizer()
    sizer.asizeof(kept[0])
    return len(sizer._seen)
measure_with_children(find)
"""),
    "objgraph, one chain": (1, """
import gc, objgraph
kept = make()
measure_with_children(lambda: len(objgraph.find_backref_chain(kept[0][7], objgraph.is_proper_module)) and len(gc.get_objects()))
"""),
}  # fmt: skip


#: The processor's time of who asks, which is the fork's: the child looks meanwhile.
STANDS = """
import json, os, sys, time
from memory_profiler import heap
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
kept = {kept}
def ask():
    heap.holders(kept)
def fork():
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)
def best(call):
    times = []
    for _ in range(5):
        start = time.thread_time()
        call()
        times.append(time.thread_time() - start)
    return min(times)
print(json.dumps([resident(), best(ask), best(fork)]))
"""
HEAPS = {
    "a GiB of small objects": (4_700_000, "(i, str(i), [i])"),
    "a GiB of blocks of 64 KiB": (16_500, "b'x' * 65_000"),
}


def main() -> None:
    part = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    print_table("one count of the objects", TOOLS, part)
    print()
    print_table("who holds one", HOLDERS, part)
    print()
    print(f"{'the program stands':34}{'GiB':>7}{'ms':>9}{'ms a GiB':>10}{'os.fork()':>11}")
    for name, (count, each) in HEAPS.items():
        text = STANDS.replace("{kept}", f"[{each} for i in range({int(count * part)})]")
        said = run(sys.executable, text, MOST_SECONDS_STANDING)
        if not said.startswith("["):
            print(f"{name:34}  {said}")
            continue
        resident, seconds, fork = json.loads(said)
        gib = resident / 2**30
        print(
            f"{name:34}{gib:7.2f}{seconds * 1e3:9.1f}{seconds * 1e3 / gib:10.1f}{fork * 1e3 / gib:11.1f}"
        )


def run(python: str, text: str, most: int) -> str:
    """Its last line, or why it has none."""
    try:
        done = subprocess.run(
            [python, "-c", text], text=True, capture_output=True, check=False, timeout=most
        )
    except subprocess.TimeoutExpired:
        return f"not done in {most} seconds"
    lines = (done.stderr if done.returncode else done.stdout).strip().splitlines()
    return lines[-1] if lines else f"ended with {done.returncode}"


def print_table(title: str, tools: dict[str, tuple[int, str]], part: float) -> None:
    peers = os.environ.get("PEERS_PYTHON")
    print(f"{title:34}{'seconds':>9}{'objects':>12}{'ns each':>9}{'MiB more':>10}")  # fmt: skip
    for name, (rounds, text) in tools.items():
        ours = name.startswith("memory_profiler")
        python = sys.executable if ours else peers
        if not python:
            continue
        head = f"rounds, COUNT = {rounds}, {int(COUNT * part)}\n"
        said = run(python, head + PROGRAM + text, MOST_SECONDS)
        if not said.startswith("["):
            print(f"{name:34}  {said}")
            continue
        seconds, objects, more = json.loads(said)
        print(f"{name:34}{seconds:9.3f}{objects:12,}{seconds * 1e9 / objects:9.1f}{more / 1024:10.0f}")  # fmt: skip


main()
