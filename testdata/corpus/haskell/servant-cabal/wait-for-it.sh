#!/bin/sh
until nc -z "${1%:*}" "${1#*:}"; do sleep 1; done
shift 2
exec "$@"
