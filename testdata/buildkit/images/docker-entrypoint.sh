#!/bin/sh
set -e
# What looks like a flag, or is no program, is given to node.
if [ "${1#-}" != "$1" ] || [ -z "$(command -v "$1")" ]; then
	set -- node "$@"
fi
exec "$@"
