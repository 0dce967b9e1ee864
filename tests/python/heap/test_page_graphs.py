"""The ways in which the page of a heap capture draws its stacks: turned over, recursion once, outer frames as one."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from captures import FIGURES, page_of, record
from pages import look

pytestmark = pytest.mark.one_version

TREE = """
    class Node:
        def __init__(self, depth):
            self.name = str(depth) * 100
            self.left = build(depth - 1)
            self.right = build(depth - 1)

    def build(depth):
        if not depth:
            return bytearray(1000)
        return Node(depth)

    kept = build(9)
"""
SERVER = """
    import socketserver, threading, socket
    cache = []

    def remember(text):
        cache.append(bytearray(5000))

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            remember(self.rfile.readline())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        for i in range(50):
            with socket.create_connection(server.server_address) as asking:
                asking.sendall(b"x\\n")
                asking.recv(1)
        server.shutdown()
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(tmp_path_factory.mktemp("tree"), TREE)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(tmp_path_factory.mktemp("server"), SERVER)


def graphs_of(data: dict) -> dict[tuple[bool, bool], dict]:
    return {(graph["inverted"], graph["folded"]): graph for graph in data["graphs"]}


def below_of(frames: list[list[int]]) -> list[list[int]]:
    """Of each frame, the sum of those below it."""
    below = [[0] * len(FIGURES) for _ in frames]
    for caller, _, _, _, *figures in frames[1:]:
        below[caller] = [a + b for a, b in zip(below[caller], figures, strict=True)]
    return below


def test_each_graph_has_the_same_whole_and_no_level_has_more(tree: Path) -> None:
    _, data = page_of(tree)
    assert len(graphs_of(data)) == 4
    for graph in data["graphs"]:
        frames = graph["frames"]
        assert frames[0] == data["graphs"][0]["frames"][0]
        for (_, _, _, _, *figures), sums in zip(frames, below_of(frames), strict=True):
            assert all(a >= b for a, b in zip(figures, sums, strict=True))


@pytest.mark.parametrize("folded", [True, False])
def test_inverted_each_line_has_what_it_allocated(tree: Path, folded: bool) -> None:
    _, data = page_of(tree, "--full")
    frames = graphs_of(data)[True, folded]["frames"]
    lines = {tuple(row[:2]): row[2:9] for row in data["rows"] if row[1]}
    found: dict[tuple[int, int], list[int]] = defaultdict(lambda: [0] * len(FIGURES))
    for caller, function, line, _, *figures in frames[1:]:
        if caller == 0 and (function, line) in lines:
            sums = zip(found[function, line], figures, strict=True)
            found[function, line] = [a + b for a, b in sums]
    assert len(lines) > 4 and found == lines


def test_inverted_the_callers_of_a_line_are_below_it(tree: Path) -> None:
    page, _ = page_of(tree, "--inverted")
    seen = look("look_graphs.mjs", page)
    assert (seen["inverted"], seen["turnedPressed"]) == ("true", "false")
    leaf = max(
        (f for f in seen["first"]["frames"] if f["depth"] == 1), key=lambda f: f["value"]
    )
    assert leaf["name"] == "build \u00d710  work.py:10"
    below = {f["name"].split()[0] for f in seen["first"]["frames"] if f["depth"] == 2}
    assert "Node.__init__" in below
    turned = {f["name"] for f in seen["turned"]["frames"] if f["depth"] == 1}
    assert "<module>  work.py:13" in turned and leaf["name"] not in turned


def test_functions_that_build_each_other_are_drawn_once_and_it_is_said(tree: Path) -> None:
    page, data = page_of(tree)
    graphs = graphs_of(data)
    once, full = graphs[False, True], graphs[False, False]
    assert len(full["frames"]) > 1000 > 30 > len(once["frames"])
    assert max(times for _, times in once["times"]) == 10 and not full["times"]
    seen = look("look_graphs.mjs", page)
    told = "Recursion is drawn once: build (up to 10 times), Node.__init__ (up to 9 times)"
    assert any(notice.startswith(told) for notice in seen["first"]["notices"])
    assert any(f["name"] == "build \u00d79  work.py:11" for f in seen["first"]["frames"])
    depth = {
        how: max(f["depth"] for f in seen["recursion"][how]["frames"])
        for how in ("once", "full")
    }
    assert depth["once"] < 8 < 15 < depth["full"]
    assert not any("Recursion" in notice for notice in seen["recursion"]["full"]["notices"])


def test_three_turns_of_a_recursion_are_drawn_unless_it_is_asked_for(
    tmp_path: Path,
) -> None:
    capture = record(tmp_path, TREE.replace("build(9)", "build(3)"))
    assert not any(graph["folded"] for graph in page_of(capture)[1]["graphs"])
    asked = graphs_of(page_of(capture, "--fold-recursion")[1])
    assert len(asked) == 4
    assert len(asked[False, True]["frames"]) < len(asked[False, False]["frames"])


def test_the_frames_of_a_server_above_its_program_are_one(server: Path) -> None:
    seen = look("look_graphs.mjs", page_of(server)[0], "live")
    names = [f["name"] for f in seen["first"]["frames"]]
    (outer,) = [name for name in names if name.startswith("(\u2026 ")]
    assert outer.endswith(" frames)") and int(outer.split()[1]) >= 5
    assert "Handler.handle  work.py:10" in names
    assert not any(name.startswith("Thread._bootstrap") for name in names)
    tip = seen["outerTip"].splitlines()
    assert tip[0] == outer and any(line.startswith("Thread._bootstrap ") for line in tip)
    full = [f["name"] for f in seen["outer"]["full"]["frames"]]
    assert any(name.startswith("Thread._bootstrap") for name in full)
    assert not any(name.startswith("(\u2026") for name in full)
    (handle,) = [
        f for f in seen["first"]["frames"] if f["name"].startswith("Handler.handle")
    ]
    (again,) = [
        f for f in seen["outer"]["full"]["frames"] if f["name"].startswith("Handler.handle")
    ]
    assert handle["value"] == again["value"] >= 50 * 5000


def test_inverted_they_are_one_below_your_code(server: Path) -> None:
    seen = look("look_graphs.mjs", page_of(server, "--inverted")[0], "live")
    frames = {f["name"]: f for f in seen["first"]["frames"] if f["value"] >= 50 * 5000}
    depths = [
        frames[name]["depth"]
        for name in ("remember  work.py:6", "Handler.handle  work.py:10")
    ]
    (outer,) = (name for name, frame in frames.items() if frame["depth"] == 3)
    assert depths == [1, 2]
    assert outer.startswith("(\u2026 ") and int(outer.split()[1]) >= 5
    assert any(
        line.startswith("Thread._bootstrap ") for line in seen["outerTip"].splitlines()
    )
    full = [f["name"] for f in seen["outer"]["full"]["frames"]]
    assert any(name.startswith("Thread._bootstrap") for name in full)


def test_wide_frames_have_their_size_and_a_line_can_be_its_text(tree: Path) -> None:
    seen = look("look_graphs.mjs", page_of(tree)[0])
    whole, *frames = seen["first"]["frames"]
    assert whole["size"].endswith("iB  100%")
    assert any("%" in f["size"] for f in frames) and any(not f["size"] for f in frames)
    texts = [f["name"] for f in seen["source"]["frames"]]
    assert "kept = build(9)" in texts
    assert any(text.startswith("self.left = build(depth - 1)") for text in texts)
