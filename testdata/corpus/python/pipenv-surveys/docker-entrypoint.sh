#!/bin/sh
set -e
pipenv run flask --app surveys db upgrade
exec "$@"
