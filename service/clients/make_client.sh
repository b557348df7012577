#!/bin/sh
# Makes adloom.js from adloom.source.js. Needs node; the result is committed, so nobody else does.
set -eu
cd "$(dirname "$0")"
npx --yes terser@5 adloom.source.js --compress passes=3 --mangle --output adloom.js
wc -c adloom.js
