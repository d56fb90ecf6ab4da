#!/bin/sh
set -eu
pg_dump "$DATABASE_URL" | rclone rcat "remote:backups/$(date +%F).sql"
