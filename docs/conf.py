"""The site: `make docs` builds it with warnings as errors, and runs its examples."""

from __future__ import annotations

import pathlib
import sys

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE / "_extensions"))

import commands

project = "memory_profiler"
author = "memory_profiler contributors"
project_copyright = author
release = commands.version()

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.doctest",
    "sphinx.ext.napoleon",
    "commands",
    "reachable",
]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
default_role = "code"
suppress_warnings = ["myst.xref_ambiguous"]

myst_enable_extensions = ["colon_fence", "deflist", "attrs_inline"]
myst_heading_anchors = 4

autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_member_order = "bysource"
autodoc_class_signature = "separated"
napoleon_google_docstring = True
napoleon_use_rtype = False
napoleon_use_ivar = True
napoleon_custom_sections = [("Source of the figure", "params_style")]
doctest_test_doctest_blocks = "default"
doctest_global_setup = """
import memory_profiler
from memory_profiler import *
from memory_profiler import heap
from memory_profiler.heap import *
from memory_profiler.testing import *
"""

html_theme = "furo"
html_title = f"memory_profiler {release}"
html_static_path: list[str] = []
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
templates_path: list[str] = []
html_theme_options = {
    "light_css_variables": {"font-stack": "system-ui, sans-serif"},
    "dark_css_variables": {"font-stack": "system-ui, sans-serif"},
}
