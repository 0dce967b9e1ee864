"""Faults 26: which sources the views of a capture show, whoever made it."""

from __future__ import annotations

import os
import pathlib

import pytest

from recordings import Recorder

pytestmark = pytest.mark.one_version

KEY = "swordfish = 'PRIVATE KEY'\n"
#: Allocates in a function of whatever file it is told to be.
NAMED = """
import sys
for name in sys.argv[1:]:
    exec(compile("def f(): return bytearray(3000000)\\nkept = f()\\n", name, "exec"), {})
"""


@pytest.fixture
def crafted(here: Recorder):
    """A capture in a folder of its own, by a program there, that names whatever is wanted."""

    def craft(*names: object) -> Recorder:
        (here.path / "job").mkdir(exist_ok=True)
        (here.path / "job" / "named.py").write_text(NAMED)
        place = Recorder(here.path / "job")
        done = place.mprof("heap", "--no-source", "-o", "a.mprof", "named.py", *names)
        assert done.code == 0, done
        return place

    return craft


def old(path: pathlib.Path, text: str = KEY) -> pathlib.Path:
    """A file that is older than any capture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (1, 1))
    return path


def shown(place: Recorder, name: object, *words: str) -> bool:
    """Whether any view shows it; they agree."""
    lines = place.mprof("lines", "--whole", *words, "a.mprof", name)
    report = place.mprof("report", "-n", "99", *words, "a.mprof")
    page = place.mprof("flamegraph", "--force", "-o", "page.html", *words, "a.mprof")
    assert (lines.code, report.code, page.code) == (0, 0, 0), (lines, report, page)
    found = {
        "swordfish" in text
        for text in (lines.out, report.out, (place.path / "page.html").read_text("utf-8"))
    }
    assert len(found) == 1
    return found.pop()


def test_a_source_beside_the_program_is_shown(here: Recorder, crafted) -> None:
    name = old(here.path / "job" / "part.py")
    assert shown(crafted(name), name)


def test_a_link_to_a_file_that_is_no_source_is_not_followed(here, crafted) -> None:
    key = old(here.path / "job" / "id_rsa")
    link = here.path / "job" / "innocent.py"
    link.symlink_to(key)
    place = crafted(link)
    assert not shown(place, link)
    assert (
        "its source is not shown: it is a symbolic link"
        in place.mprof("lines", "a.mprof", link).out
    )


def test_a_source_elsewhere_is_shown_when_its_folder_is_named(here, crafted) -> None:
    name = old(here.path / "other" / "secrets.py")
    place = crafted(name)
    assert not shown(place, name)
    assert "--source-root FOLDER adds one" in place.mprof("lines", "a.mprof", name).out
    assert "--source-root FOLDER adds one" in place.mprof("report", "a.mprof").out
    assert shown(place, name, "--source-root", here.path / "other")
    assert shown(place, name, "--source-root", here.path)
    assert not shown(place, name, "--source-root", here.path / "job")
    done = place.mprof("report", "--source-root", "nowhere", "a.mprof")
    assert done.code == 2 and "not a folder: 'nowhere'" in done.err


def test_a_folder_that_is_a_link_leads_out_of_the_programs(here, crafted) -> None:
    old(here.path / "other" / "secrets.py")
    (here.path / "job").mkdir()
    (here.path / "job" / "inside").symlink_to(here.path / "other")
    name = here.path / "job" / "inside" / "secrets.py"
    assert not shown(crafted(name), name)


def test_dots_lead_out_of_the_programs_folder(here, crafted) -> None:
    old(here.path / "other" / "secrets.py")
    name = f"{here.path}/job/../other/secrets.py"
    assert not shown(crafted(name), name)


def test_installed_sources_and_the_readers_own_folder_are_shown(here, crafted) -> None:
    library = old(here.path / "lib" / "python3.12" / "thing.py")
    package = old(here.path / "venv" / "site-packages" / "thing.py")
    beside = old(here.path / "reader" / "part.py")
    place = crafted(library, package, beside)
    assert shown(place, library) and shown(place, package)
    assert "swordfish" not in place.mprof("lines", "--whole", "a.mprof", beside).out
    reader = Recorder(here.path / "reader")
    done = reader.mprof("lines", "--whole", "../job/a.mprof", beside)
    assert "swordfish" in done.out


def test_a_packages_whole_project_is_the_programs(here: Recorder) -> None:
    """`-m pkg.job` starts in pkg; what lies beside pkg is the program's too."""
    old(here.path / "project" / "pkg" / "__init__.py", "")
    old(
        here.path / "project" / "pkg" / "__main__.py",
        "import helper\nkept = helper.make()\n",
    )
    helper = "def make():\n    return bytearray(3000000)  # swordfish\n"
    old(here.path / "project" / "helper.py", helper)
    project = Recorder(here.path / "project")
    assert project.mprof("heap", "-o", "../a.mprof", "-m", "pkg").code == 0
    assert "# swordfish" in here.mprof("report", "a.mprof").out


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone reads what is root's alone")
def test_root_does_not_show_what_is_roots_alone_in_anothers_capture(here, crafted) -> None:
    name = old(here.path / "job" / "settings.py")
    place = crafted(name)
    name.chmod(0o600)
    assert shown(place, name)
    os.chown(place.path / "a.mprof", 12345, 12345)
    assert not shown(place, name)
    name.chmod(0o644)
    assert shown(place, name)


@pytest.mark.parametrize(("mode", "page"), [(0o600, 0o600), (0o644, 0o644)])
def test_a_page_is_as_private_as_its_recording(here, crafted, mode, page) -> None:
    place = crafted()
    assert place.mprof("run", "-o", "a.dat", "true").code == 0
    for command, recording in (("flamegraph", "a.mprof"), ("plot", "a.dat")):
        (place.path / recording).chmod(mode)
        name = f"{recording}.{mode:o}.html"
        done = place.mprof(command, "-o", name, recording, umask=0o022)
        assert done.code == 0, done
        assert (place.path / name).stat().st_mode & 0o777 == page


def test_a_pythons_own_library_is_shown(here: Recorder) -> None:
    here.write("work.py", "import json\nkept = json.loads('[' + '1.5,' * 99999 + '2]')\n")
    assert here.mprof("heap", "-o", "a.mprof", "work.py").code == 0
    elsewhere = here.path / "elsewhere"
    elsewhere.mkdir()
    done = Recorder(elsewhere).mprof("report", "../a.mprof")
    assert "obj, end = self.scan_once(" in done.out
