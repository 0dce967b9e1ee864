"""The interval map of mappings against the kernel's own list, whatever mmap's family does."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

pytestmark = pytest.mark.one_version

HERE = Path(__file__).parent
SOURCES = HERE.parents[2] / "src"
PAGE = 4096
PAGES = 64
ANONYMOUS, SHARED, FILE = range(3)
COUNTS, RESERVED, EMPTIED = range(3)
NONE, READ, READ_WRITE = 0, 1, 3
MAYMOVE, FIXED, DONTUNMAP = 1, 2, 4

first = st.integers(0, PAGES - 1)
count = st.integers(1, 12)
stacks = st.integers(0, 7)
protections = st.sampled_from([NONE, READ, READ_WRITE])


class Page(NamedTuple):
    stack: int
    kind: int
    state: int


@pytest.fixture(scope="module", autouse=True)
def library(tmp_path_factory: pytest.TempPathFactory) -> None:
    target = tmp_path_factory.mktemp("mapped") / "mapped.so"
    command = ["cc", "-O1", "-g", "-shared", "-fPIC", "-D_GNU_SOURCE", f"-I{SOURCES}"]
    files = [HERE / "mapped.c", SOURCES / "capture/heap/native/maps.c"]
    subprocess.run([*command, *map(str, files), "-o", str(target)], check=True)
    Mappings.library = ctypes.CDLL(str(target))
    Mappings.library.begin.restype = ctypes.c_ulong


def page_as_the_kernel_says(permissions: str, inode: str, name: str) -> tuple[int, bool]:
    kind = SHARED if permissions[3] == "s" else ANONYMOUS if inode == "0" else FILE
    return kind, permissions.startswith("---")


class Mappings(RuleBasedStateMachine):
    """Three views of each page: the kernel's, the interval map's, and the rules below."""

    library: ctypes.CDLL

    def __init__(self) -> None:
        super().__init__()
        self.base = self.library.begin()
        assert self.base
        self.pages: dict[int, Page] = {}

    def teardown(self) -> None:
        self.library.end()

    def range(self, start: int, length: int) -> range:
        return range(start, min(start + length, PAGES))

    @rule(
        start=first,
        length=count,
        kind=st.integers(0, 2),
        protection=protections,
        stack=stacks,
    )
    def map(self, start: int, length: int, kind: int, protection: int, stack: int) -> None:
        pages = self.range(start, length)
        assert self.library.map(start, len(pages), kind, protection, stack) == 0
        state = RESERVED if protection == NONE else COUNTS
        self.pages |= dict.fromkeys(pages, Page(stack, kind, state))

    @rule(start=first, length=count)
    def unmap(self, start: int, length: int) -> None:
        pages = self.range(start, length)
        assert self.library.unmap(start, len(pages)) == 0
        for page in pages:
            self.pages.pop(page, None)

    @rule(start=first, length=count, protection=protections)
    def protect(self, start: int, length: int, protection: int) -> None:
        pages = self.range(start, length)
        if not set(pages) <= set(self.pages):
            return  # the kernel changes what is before the first hole, and fails
        assert self.library.protect(start, len(pages), protection) == 0
        for page in pages:
            state = self.pages[page].state
            if protection == NONE:
                state = RESERVED
            elif state == RESERVED:
                state = COUNTS
            self.pages[page] = self.pages[page]._replace(state=state)

    @rule(start=first, length=count)
    def dontneed(self, start: int, length: int) -> None:
        pages = self.range(start, length)
        assert self.library.dontneed(start, len(pages)) == 0
        for page in set(pages) & set(self.pages):
            if self.pages[page][1:] == (ANONYMOUS, COUNTS):
                self.pages[page] = self.pages[page]._replace(state=EMPTIED)

    def remapped(self, old: range, new: range, flags: int, stack: int) -> None:
        """What a remap that succeeded does. It may go over holes, and leaves what is there."""
        moved = {new[0] + i: self.pages.get(page) for i, page in enumerate(old)}
        last = self.pages.get(old[-1] if old else old.start)
        if last and last.state == EMPTIED:
            last = last._replace(state=COUNTS)
        for page in set(old) & set(self.pages):
            if not flags & DONTUNMAP:
                del self.pages[page]
            elif self.pages[page][1:] == (ANONYMOUS, COUNTS):
                self.pages[page] = self.pages[page]._replace(state=EMPTIED)
        for page in new:
            stays = moved[page] if page in moved else last and last._replace(stack=stack)
            if stays:
                self.pages[page] = stays

    @rule(start=first, length=count, longer=count, stack=stacks)
    def resize_in_place(self, start: int, length: int, longer: int, stack: int) -> None:
        old, new = self.range(start, length), self.range(start, longer)
        if self.library.remap(start, len(old), 0, len(new), 0, stack) == 0:
            self.remapped(old, new, 0, stack)

    @rule(
        start=first,
        length=st.integers(0, 12),
        to=first,
        longer=count,
        flags=st.sampled_from([MAYMOVE | FIXED, MAYMOVE | FIXED | DONTUNMAP]),
        stack=stacks,
    )
    def move(
        self, start: int, length: int, to: int, longer: int, flags: int, stack: int
    ) -> None:
        old, new = self.range(start, length), self.range(to, longer)
        if flags & DONTUNMAP:
            new = self.range(to, len(old))
        if not new or (not old and start in new):
            return
        if self.library.remap(start, len(old), to, len(new), flags, stack) == 0:
            self.remapped(old, new, flags, stack)

    @invariant()
    def the_kernel_agrees(self) -> None:
        seen = {}
        for line in Path("/proc/self/maps").read_text().splitlines():
            addresses, permissions, _, _, inode, *name = line.split(maxsplit=5)
            low, high = (int(address, 16) for address in addresses.split("-"))
            if low >= self.base and high <= self.base + PAGES * PAGE:
                what = page_as_the_kernel_says(permissions, inode, "".join(name))
                for address in range(low, high, PAGE):
                    seen[(address - self.base) // PAGE] = what
        rules = {n: (page.kind, page.state == RESERVED) for n, page in self.pages.items()}
        assert rules == seen

    @invariant()
    def the_interval_map_agrees(self) -> None:
        found = (ctypes.c_int * PAGES)()
        self.library.look(found)
        pages = {
            n: Page(code // 16, code // 4 % 4, code % 4)
            for n, code in enumerate(found)
            if code >= 0
        }
        assert pages == self.pages

    @invariant()
    def every_change_was_reported(self) -> None:
        reported = (ctypes.c_longlong * 24).in_dll(self.library, "reported")
        for stack in range(8):
            for kind in range(3):
                pages = [p for p in self.pages.values() if p == Page(stack, kind, COUNTS)]
                assert reported[stack * 3 + kind] == len(pages) * PAGE


TestMappings = Mappings.TestCase
TestMappings.settings = settings(max_examples=30, stateful_step_count=40, deadline=None)


def test_a_heap_that_grows_page_by_page_is_one_interval() -> None:
    library = Mappings.library
    assert library.begin()
    for page in range(PAGES):
        assert library.map(page, 1, ANONYMOUS, READ_WRITE, 3) == 0
    assert library.intervals() == 1
    library.end()
