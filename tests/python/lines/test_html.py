"""--html: the page, as a browser shows it."""

from __future__ import annotations

import html.parser
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from conftest import MIB, Workshop

pytestmark = pytest.mark.one_version

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
NASTY = "</script><img src=x onerror=document.title='owned'>"


def browse(page: pathlib.Path, profile: pathlib.Path, *words: str) -> str:
    """What Chromium prints when it opens a page without a window."""
    if not CHROMIUM:
        pytest.skip("chromium is not installed (tools/setup test installs it)")
    done = subprocess.run(
        [
            CHROMIUM,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-extensions",
            "--disable-dev-shm-usage",
            f"--user-data-dir={profile}",
            *words,
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


class Page(html.parser.HTMLParser):
    """The elements of a page, and the text of each table's cells."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict]] = []
        self.tables: list[list[list[str]]] = []
        self.headings: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list) -> None:
        self.elements.append((tag, dict(attributes)))
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
        elif tag in ("h1", "h2"):
            self.headings.append("")
        if tag not in ("meta", "br", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "td" in self.open or "th" in self.open:
            self.tables[-1][-1][-1] += data
        elif self.open and self.open[-1] in ("h1", "h2"):
            self.headings[-1] += data

    @property
    def names(self) -> set[str]:
        return {name for name, _ in self.elements}


SOURCE = """
    @profile
    def work():
        block = b"x" * (45 * 2 ** 20)
        size = len(block)
        del block
        return size

    @profile
    def other():
        return [1 < 2 & 3, "a" + 'b', f"{1}"]

    work()
    other()
"""


def make_page(shop: Workshop, source: str = SOURCE, *options: str) -> Page:
    run = shop.profile(source, "--html", "page.html", *options)
    assert run.err == "" and run.code == 0
    return Page((shop.path / "page.html").read_text(encoding="utf-8"))


def test_the_page_has_nothing_that_runs_or_loads(shop) -> None:
    page = make_page(shop)
    assert page.names <= {
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "div",
        "main",
        "h1",
        "h2",
        "p",
        "section",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "span",
    }
    (policy,) = [
        a["content"]
        for name, a in page.elements
        if a.get("http-equiv") == "Content-Security-Policy"
    ]
    assert "default-src 'none'" in policy and "script" not in policy
    assert not any(
        key.startswith("on") or key in ("src", "href")
        for _, attributes in page.elements
        for key in attributes
    )
    assert "url(" not in (shop.path / "page.html").read_text()


def test_the_numbers_are_those_of_the_json(shop) -> None:
    run = shop.profile(
        SOURCE, "--html", "page.html", "--json", "--peak", "--precision", "2"
    )
    assert run.err == ""
    functions = json.loads(run.out)["functions"]
    page = Page((shop.path / "page.html").read_text(encoding="utf-8"))
    assert page.headings[1:] == [f["function"] for f in functions] == ["work", "other"]
    for table, function in zip(page.tables, functions, strict=True):
        head, *rows = table
        assert head == [
            "Line #",
            "Mem usage",
            "Increment",
            "Peak",
            "Occurrences",
            "Line Contents",
        ]
        for cells, line in zip(rows, function["lines"], strict=True):
            assert cells[0] == str(line["line"]) and cells[-1] == line["source"]
            if line["memory"] is None:
                assert cells[1:-1] == [""]
                continue
            figures = [line[name] / MIB for name in ("memory", "increment", "peak")]
            assert cells[1:-1] == [
                *(f"{f:.2f} MiB" for f in figures),
                str(line["occurrences"]),
            ]


def test_the_line_that_added_most_is_marked(shop) -> None:
    make_page(shop)
    text = (shop.path / "page.html").read_text()
    (hot,) = [row for row in re.findall(r"<tr class=\"hot\">.*", text) if "block" in row]
    assert "(45 * 2 ** 20)" in hot


TWO = """
    import mmap
    @profile
    def small():
        block = mmap.mmap(-1, 2 << 20)
        block.write(bytes(2 << 20))
        return block

    @profile
    def large():
        block = mmap.mmap(-1, 90 << 20)
        block.write(bytes(90 << 20))
        block.close()

    kept = small()
    large()
"""


def bars(text: str, column: int) -> list[float]:
    """How long the bars of a column are, of all rows that have one."""
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in text.split("<tr")]
    drawn = [row[column] for row in cells if len(row) > 3 and "bar" in row[column]]
    return [float(re.search(r"\*([\d.]+)\)", cell)[1]) for cell in drawn]


@pytest.mark.parametrize("options", [[], ["--peak"]])
def test_bars_of_all_functions_have_one_scale_and_the_most_memory_is_marked(
    shop, options
) -> None:
    make_page(shop, TWO, *options)
    text = (shop.path / "page.html").read_text()
    small, large = text.split("<section>")[1:]
    assert max(bars(small, 1)) < 0.1 and max(bars(large, 1)) == 1
    assert max(bars(large, 0) + bars(large, 2 if options else 0)) == 1
    assert 'class="top"' not in small and "most memory" not in small
    (top,) = [row for row in large.split("<tr") if 'class="top"' in row]
    assert "block.write" in top
    assert re.search(r"line \d+ has the most memory of all, \d+\.\d+ MiB</p>", large)


def test_faults_24_names_and_source_stay_text(shop) -> None:
    name = NASTY.replace("/", "\u2215") + "\"'.py"
    (shop.path / name).write_text(
        f'''
@profile
def work():
    a = "{NASTY}"
    b = "]]><b>&amp;&lt;"  # --> <!-- <style>*{{display:none}}</style>
    c = '"onmouseover="alert(1)'  # \u2028 \u202e \x1b[31m
    return a, b, c

work.__qualname__ = "{NASTY}"
work()
''',
        encoding="utf-8",
    )
    run = shop.run("--html", "page.html", name)
    assert run.err == "" and run.code == 0
    text = (shop.path / "page.html").read_text(encoding="utf-8")
    page = Page(text)
    assert not page.names & {"img", "script", "b"}
    assert text.count("<style>") == 2 and "\x1b" not in text and "\u2028" not in text
    (table,) = page.tables
    cells = [row[-1] for row in table]
    assert f'    a = "{NASTY}"' in cells
    assert any(
        ']]><b>&amp;&lt;"  # --> <!-- <style>*{display:none}</style>' in c for c in cells
    )
    assert any("'\"onmouseover=\"alert(1)'" in cell for cell in cells)


def test_faults_24_a_browser_finds_only_text(shop, tmp_path_factory) -> None:
    shop.profile(
        f"""
        @profile
        def work():
            a = "{NASTY}"
            b = "]]>" + '"onmouseover="alert(1)'
            return a, b
        work()
    """,
        "--html",
        "page.html",
    )
    dom = browse(shop.path / "page.html", tmp_path_factory.mktemp("chromium"), "--dump-dom")
    page = Page(dom)
    assert not page.names & {"script", "img", "iframe", "link", "b"}
    assert "owned" not in dom.split("</title>")[0]
    cells = [row[-1] for row in page.tables[0]]
    assert f'    a = "{NASTY}"' in cells and any("]]>" in cell for cell in cells)


def test_a_browser_shows_every_row_and_figure(shop, tmp_path_factory) -> None:
    run = shop.profile(SOURCE, "--html", "page.html", "--json")
    rows = [line for f in json.loads(run.out)["functions"] for line in f["lines"]]
    page = Page(
        browse(shop.path / "page.html", tmp_path_factory.mktemp("chromium"), "--dump-dom")
    )
    shown = [cells for table in page.tables for cells in table[1:]]
    assert [cells[-1] for cells in shown] == [row["source"] for row in rows]
    assert [cells[1] for cells in shown] == [
        "" if row["memory"] is None else f"{row['memory'] / MIB:.3f} MiB" for row in rows
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_draws_the_page(shop, tmp_path_factory, scheme) -> None:
    """A picture that is not one colour, with the scheme's paper; kept when asked for."""
    make_page(shop)
    picture = shop.path / f"{scheme}.png"
    dark = ["--force-dark-mode", "--blink-settings=preferredColorScheme=0"]
    words = dark if scheme == "dark" else ["--blink-settings=preferredColorScheme=1"]
    browse(
        shop.path / "page.html",
        tmp_path_factory.mktemp("chromium"),
        "--window-size=1000,560",
        f"--screenshot={picture}",
        *words,
    )
    assert picture.stat().st_size > 10_000
    assert picture.read_bytes().startswith(b"\x89PNG")
    if os.environ.get("KEEP_PICTURES"):
        shutil.copy(picture, os.environ["KEEP_PICTURES"])


@pytest.mark.parametrize("content", [b"<html>mine</html>", b"text", b"\x00\xff" * 40])
def test_a_foreign_file_is_refused_and_left_alone(shop, content) -> None:
    page = shop.path / "page.html"
    page.write_bytes(content)
    run = shop.profile("print('ran')", "--html", "page.html")
    assert run.code == 1 and run.out == ""
    assert len(run.err.splitlines()) == 1 and "page.html" in run.err
    assert page.read_bytes() == content


def test_an_older_page_of_ours_and_an_empty_file_are_replaced(shop) -> None:
    (shop.path / "page.html").write_text("")
    make_page(shop)
    first = (shop.path / "page.html").read_text()
    make_page(shop, SOURCE.replace("other", "another"))
    assert (shop.path / "page.html").read_text() != first
    assert sorted(p.name for p in shop.path.iterdir() if "page" in p.name) == ["page.html"]


@pytest.mark.parametrize("target", ["missing/page.html", ".", "/dev/full/page.html"])
def test_a_page_that_cannot_be_written_fails_before_the_program_runs(shop, target) -> None:
    run = shop.profile("print('ran')", "--html", target)
    assert run.code == 1 and run.out == "" and len(run.err.splitlines()) == 1


def test_a_link_is_not_followed_to_a_foreign_file(shop) -> None:
    (shop.path / "mine.txt").write_text("mine")
    (shop.path / "page.html").symlink_to("mine.txt")
    run = shop.profile("print('ran')", "--html", "page.html")
    assert run.code == 1
    assert (shop.path / "mine.txt").read_text() == "mine"


def test_a_program_that_measures_nothing_has_a_page_that_says_so(shop) -> None:
    page = make_page(shop, "@profile\ndef never(): pass")
    assert (
        not page.tables
        and "No measured function ran" in (shop.path / "page.html").read_text()
    )


def test_the_page_follows_the_umask_and_the_table_is_printed_too(shop) -> None:
    old = os.umask(0o027)
    try:
        run = shop.profile(SOURCE, "--html", "page.html")
    finally:
        os.umask(old)
    assert (shop.path / "page.html").stat().st_mode & 0o777 == 0o640
    assert len(run.tables) == 2


def test_undecodable_names_and_lone_surrogates_are_shown_escaped(shop) -> None:
    name = os.fsdecode(b"bad\xffname.py")
    (shop.path / name).write_text("@profile\ndef work():\n    return '\\udc80'\nwork()\n")
    run = shop.run("--html", "page.html", name)
    assert run.err == "" and run.code == 0
    assert "work" in Page((shop.path / "page.html").read_text(encoding="utf-8")).headings
