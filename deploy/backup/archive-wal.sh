#!/bin/sh
# PostgreSQL's archive_command: sh archive-wal.sh PATH NAME
# Stores a WAL file in $BACKUPS/wal, compressed. Never replaces another file of the same name.
set -eu
umask 077
archive=${BACKUPS:-/backups}/wal
file=$archive/$2.gz
if [ -e "$file" ]; then
  # After a crash, PostgreSQL archives the last file again.
  gunzip -c "$file" | cmp -s - "$1"
  exit
fi
gzip -1 -c "$1" > "$archive/partial"
sync "$archive/partial"
mv "$archive/partial" "$file"
sync "$archive"
