#!/bin/sh
exec rsync -a "$SOURCE" "$TARGET"
