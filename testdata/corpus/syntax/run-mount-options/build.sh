#!/bin/sh
set -eu
mkdir -p "$3"
cp -r "$1" "$2" "$3"
