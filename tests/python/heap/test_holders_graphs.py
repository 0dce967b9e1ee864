"""Random graphs of objects: what each retains, and the ways to it, against what taking objects out shows."""

from __future__ import annotations

import heapq
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import IO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

KINDS = "list", "dict", "instance", "function", "split"

#: Makes the graphs it reads, and says of each object that a name leads to: what it is large itself, its payload,
#: what it retains, the ways to it, whether each of these is one, and the steps of the first.
SERVER = """
import ctypes, gc, json, re, sys, types
from memory_profiler import heap
gc.disable()
names = [f"a{i}" for i in range(40)]
def make(kind, plain):
    return {"list": list, "dict": dict, "instance": plain, "split": lambda: vars(plain()),
            "function": lambda: lambda: None}[kind]()
def link(kind, of, name, to):
    if kind == "list": of.append(to)
    elif kind in ("dict", "split"): of[name] = to
    else: setattr(of, name, to)
def at(address):
    return ctypes.cast(address, ctypes.py_object).value
graph = types.ModuleType("graph")
sys.modules["graph"] = graph
def build(kinds, edges, roots):
    global plain
    plain = type("Plain", (), {})  # attributes of many graphs would not all be the class's
    objects = [make(kind, plain) for kind in kinds]
    payloads = []
    for i, (kind, of) in enumerate(zip(kinds, objects)):
        payload = bytearray(1000 + 16 * i)
        payloads.append(sys.getsizeof(payload))
        link(kind, of, "payload", payload)
    for i, (of, to) in enumerate(edges):
        link(kinds[of], objects[of], names[i], objects[to])
    for i, root in enumerate(roots):
        setattr(graph, names[i], objects[root])
    return [id(each) for each in objects], payloads
def ask(address):
    found = heap.holders(at(address))
    first = found.rows[0]
    ways = [row.path for row in found.rows]
    leads = [way.startswith("graph.") and eval(way) is at(address) for way in ways]
    return [first.bytes, first.retained, ways, leads, steps(ways[0])]
def steps(way):
    starts = [way[:match.start()] for match in re.finditer(r"[.[]", way)]
    return sum(2 if isinstance(eval(start), types.FunctionType) else 1 for start in starts)
for line in sys.stdin:
    kinds, edges, roots, reached = json.loads(line)
    addresses, payloads = build(kinds, edges, roots)
    print(json.dumps([[*ask(addresses[i]), payloads[i]] if i in reached else None for i in range(len(kinds))]), flush=True)
    for name in names: vars(graph).pop(name, None)
    gc.collect()
"""


class Server:
    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVER],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def ask(self, *graph: object) -> list:
        to: IO[str] = self.process.stdin  # type: ignore[assignment]
        answers: IO[str] = self.process.stdout  # type: ignore[assignment]
        to.write(json.dumps(graph) + "\n")
        to.flush()
        return json.loads(answers.readline())

    def close(self) -> None:
        self.process.communicate()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


def distances(
    kinds: list[str], edges: list, roots: list, without: int = -1
) -> dict[int, int]:
    """Steps from the module to each that is reached. Two from a function: its dictionary is an object beside it."""
    found: dict[int, int] = {}
    waiting = [(1, root) for root in roots if root != without]
    while waiting:
        distance, node = heapq.heappop(waiting)
        if node in found:
            continue
        found[node] = distance
        for of, to in edges:
            if of == node and to != without:
                heapq.heappush(waiting, (distance + 1 + (kinds[of] == "function"), to))
    return found


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[str], list[tuple[int, int]], list[int]]:
    count = draw(st.integers(1, 9))
    node = st.integers(0, count - 1)
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=count, max_size=count))
    edges = draw(st.lists(st.tuples(node, node), max_size=24))
    return kinds, edges, draw(st.lists(node, min_size=1, max_size=3, unique=True))


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(graph=graphs())
def test_what_is_retained_and_the_ways_are_those_of_brute_force(
    server: Server, graph: tuple[list[str], list[tuple[int, int]], list[int]]
) -> None:
    kinds, edges, roots = graph
    reached = distances(kinds, edges, roots)
    answers = server.ask(kinds, edges, roots, sorted(reached))
    for node, distance in reached.items():
        _, retained, ways, leads, steps, _ = answers[node]
        kept = distances(kinds, edges, roots, without=node)
        gone = [answers[other] for other in reached if other not in kept]
        own = sum(answer[0] + answer[-1] for answer in gone)
        dicts = sum(kinds[other] == "function" for other in reached if other not in kept)
        assert own <= retained <= own + 3000 * dicts, (
            node,
            graph,
        )  # a function's is beside
        assert all(leads), (ways, graph)
        assert steps == distance, (ways, graph)
        referrers = {of for of, to in edges if to == node and of in reached}
        assert len(ways) >= len(referrers) + (node in roots), (ways, graph)
