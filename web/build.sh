#!/bin/sh
# build.sh PAGE HEAP [optional]: builds the two pages; in a `meson dist`, relative to the
# distribution's root. With "optional", empty files when npm cannot fetch what it takes (no network).
set -e
here=$(cd "$(dirname "$0")" && pwd)
absolute() {
    case $1 in /*) echo "$1" ;; *) echo "${MESON_DIST_ROOT:-$PWD}/$1" ;; esac
}
page=$(absolute "$1")
heap=$(absolute "$2")
[ -d "$here/node_modules/esbuild" ] && [ -d "$here/node_modules/d3-flame-graph" ] ||
    (cd "$here" && npm ci --silent) || {
    [ "$3" = optional ] || exit 1
    echo "mprof will not make pages: npm ci failed" >&2
    : > "$page"
    : > "$heap"
    exit 0
}
node "$here/build.mjs" page "$page"
node "$here/build.mjs" heap "$heap"
