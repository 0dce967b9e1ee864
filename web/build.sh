#!/bin/sh
# build.sh PAGE HEAP DIFF [optional]: builds the pages; in a `meson dist`, relative to the
# distribution's root. With "optional", empty files when npm cannot fetch what it takes (no network).
set -e
here=$(cd "$(dirname "$0")" && pwd)
absolute() {
    case $1 in /*) echo "$1" ;; *) echo "${MESON_DIST_ROOT:-$PWD}/$1" ;; esac
}
page=$(absolute "$1")
heap=$(absolute "$2")
diff=$(absolute "$3")
[ -d "$here/node_modules/esbuild" ] && [ -d "$here/node_modules/d3-flame-graph" ] ||
    (cd "$here" && npm ci --silent) || {
    [ "$4" = optional ] || exit 1
    echo "mprof will not make pages: npm ci failed" >&2
    : > "$page"
    : > "$heap"
    : > "$diff"
    exit 0
}
node "$here/build.mjs" page "$page"
node "$here/build.mjs" heap "$heap"
node "$here/build.mjs" diff "$diff"
