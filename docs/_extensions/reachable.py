"""What the theme leaves out for those who hear the site or use no mouse.

Captions of the navigation are headings, but of no level, and code that is wider than the window
scrolls, but has no focus for the arrow keys. tools/check_site.mjs looks.
"""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

MENDED = {
    'role="heading">': 'role="heading" aria-level="2">',
    "<pre>": '<pre tabindex="0">',
}


def mend(app: Sphinx, failed: Exception | None) -> None:
    if failed or app.builder.format != "html":
        return
    for path in pathlib.Path(app.outdir).rglob("*.html"):
        text = path.read_text()
        mended = text
        for left_out, whole in MENDED.items():
            mended = mended.replace(left_out, whole)
        if mended != text:
            path.write_text(mended)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("build-finished", mend)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
