#!/bin/sh
# PostgreSQL's restore_command: sh fetch-wal.sh NAME PATH
# A missing file is the usual end of a recovery.
set -eu
file=${BACKUPS:-/backups}/wal/$1.gz
[ -e "$file" ] || exit 1
gunzip -c "$file" > "$2"
