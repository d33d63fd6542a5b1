#!/bin/sh
# Runs the program with the Node.js that lies beside it, wherever both were put.
here=$(dirname -- "$(readlink -f -- "$0")")
exec "$here/@LIBRARY@/node" "$here/@LIBRARY@/dist/src/main.js" "$@"
