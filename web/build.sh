#!/bin/sh
# build.sh OUTPUT: builds the page; in a `meson dist`, relative to the distribution's root.
set -e
here=$(cd "$(dirname "$0")" && pwd)
output=$1
case $output in /*) ;; *) output=${MESON_DIST_ROOT:-$PWD}/$output ;; esac
[ -d "$here/node_modules" ] || (cd "$here" && npm ci --silent)
node "$here/build.mjs" "$output"
