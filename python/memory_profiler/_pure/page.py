"""The fixed parts of the HTML report; written by tools/pure_page.py."""

STYLE = (
    "<style>\n"
    ".mp-lines{--ink:#1c2024;--dim:#60646c;--rule:#e0e1e6;--paper:#fff;"
    "--band:#f6f7f9;--grow:#d9480f;--shrink:#2b8a3e;--level:#4c6ef5;"
    "--hot:#fff0e6;color:var(--ink);background:var(--paper);font:14px/1.45 "
    "system-ui,sans-serif}\n"
    "@media(prefers-color-scheme:dark){.mp-lines{--ink:#edeef0;--dim:#b0b4ba;"
    "--rule:#363a3f;--paper:#18191b;--band:#212225;--grow:#ff8a4c;"
    "--shrink:#69db7c;--level:#91a7ff;--hot:#3b2417}}\n"
    ".mp-lines section{margin:0 0 2.5em}\n"
    ".mp-lines h2{font-size:1.15em;margin:0}.mp-lines p{margin:.1em 0 .7em;"
    "color:var(--dim)}\n"
    ".mp-lines table{border-collapse:collapse;font:12.5px/1.5 ui-monospace,Menlo,"
    "Consolas,monospace;width:100%}\n"
    ".mp-lines th,.mp-lines td{padding:1px 10px;text-align:right;"
    "white-space:nowrap;color:inherit;background:none}\n"
    ".mp-lines thead th{position:sticky;top:0;background:var(--band);"
    "color:var(--dim);font-weight:600;border-bottom:1px solid var(--rule)}\n"
    ".mp-lines thead th{min-width:12ch}.mp-lines thead th:first-child{"
    "min-width:6ch}\n"
    ".mp-lines tbody th{color:var(--dim);font-weight:400}\n"
    ".mp-lines .src{text-align:left;white-space:pre-wrap;overflow-wrap:anywhere;"
    "min-width:24ch;width:100%;tab-size:8}\n"
    ".mp-lines tr.hot>*{background:var(--hot)}.mp-lines tr.idle .src{"
    "color:var(--dim)}\n"
    ".mp-lines td.top{font-weight:700}.mp-lines td.top::before{"
    'content:"\\25B2\\A0";color:var(--grow)}\n'
    ".mp-lines td{position:relative}.mp-lines .bar{position:absolute;right:10px;"
    "bottom:0;height:2px;min-width:1px;background:var(--level)}\n"
    ".mp-lines .grow{background:var(--grow)}.mp-lines .shrink{"
    "background:var(--shrink)}\n"
    "@media(max-width:700px){.mp-lines table,.mp-lines thead,.mp-lines tbody{"
    "display:block}.mp-lines tr>:first-child{grid-row:1/span 4}"
    ".mp-lines tr{display:grid;grid-template-columns:5ch "
    "repeat(auto-fit,minmax(11ch,1fr))}.mp-lines th,.mp-lines td{padding:1px 3px;"
    "font-size:11px}.mp-lines thead th,.mp-lines thead th:first-child{"
    "min-width:0;white-space:normal}.mp-lines .src{grid-column:1/-1;width:auto;"
    "padding-bottom:5px}.mp-lines "
    "td[colspan]{display:none}.mp-lines .bar{right:3px}.mp-lines p{"
    "overflow-wrap:anywhere}}\n"
    "</style>\n"
)

HEAD = (
    "<!doctype html>\n"
    '<html lang="en"><head><meta charset="utf-8">\n'
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
    "style-src 'unsafe-inline'\">\n"
    '<meta name="generator" content="memory_profiler">\n'
    '<meta name="viewport" content="width=device-width">\n'
    '<meta name="color-scheme" content="light dark">\n'
    "<title>"
)

HEAD_END = (
    "</title>\n"
    "<style>body{margin:0;padding:24px 32px}@media(max-width:700px){body{"
    "padding:12px}}@media(prefers-color-scheme:dark){body{"
    "background:#18191b}}</style>\n"
    "</head><body>\n"
)

TABLE_HEAD = (
    "</p>\n"
    '<table><thead><tr><th scope="col">Line #</th><th scope="col">Mem usage</th>'
    '<th scope="col">Increment</th>'
)

PEAK_HEAD = '<th scope="col">Peak</th>'

HEAP_HEAD = (
    '<th scope="col">Allocated</th><th scope="col">Freed</th><th scope="col">'
    'Net</th><th scope="col">Heap peak</th>'
)

TABLE_HEAD_END = (
    '<th scope="col">Occurrences</th><th scope="col" class="src">Line '
    "Contents</th></tr></thead><tbody>\n"
)
