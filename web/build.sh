#!/bin/sh
# build.sh OUTPUT [optional]: builds the page; in a `meson dist`, relative to the distribution's
# root. With "optional", an empty file when npm cannot fetch what it takes (no network).
set -e
here=$(cd "$(dirname "$0")" && pwd)
output=$1
case $output in /*) ;; *) output=${MESON_DIST_ROOT:-$PWD}/$output ;; esac
if [ ! -d "$here/node_modules/esbuild" ] && ! (cd "$here" && npm ci --silent); then
    [ "$2" = optional ] || exit 1
    echo "mprof plot will not make pages: npm ci failed" >&2
    : > "$output"
    exit 0
fi
node "$here/build.mjs" "$output"
