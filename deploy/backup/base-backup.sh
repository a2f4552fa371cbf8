#!/bin/sh
# Runs in the container of a database: sh base-backup.sh
# Takes a base backup of the running server into $BACKUPS, verifies it, and deletes the backups beyond
# the newest $BACKUP_KEEP (7) with the WAL that only they need.
set -eu
umask 077
backups=${BACKUPS:-/backups}
partial=$backups/partial
rm -rf "$partial"
pg_basebackup -U "${POSTGRES_USER:-shop}" --no-password -D "$partial" --checkpoint=fast \
  --wal-method=stream --manifest-checksums=SHA256
pg_verifybackup --quiet "$partial"
# The name is the time from which on this backup can be recovered.
mv "$partial" "$backups/base-$(date -u +%Y%m%dT%H%M%SZ)"
sync "$backups"

ls -d "$backups"/base-* | sort | head -n "-${BACKUP_KEEP:-7}" | while read -r old; do
  # Without its name, a backup that is deleted in part is never taken for a complete one.
  mv "$old" "$partial"
  rm -rf "$partial"
done
oldest=$(ls -d "$backups"/base-* | sort | head -n 1)
start=$(sed -n 's/^START WAL LOCATION:.*(file \([0-9A-F]*\))$/\1/p' "$oldest/backup_label")
pg_archivecleanup -x .gz "$backups/wal" "$start"
ls -d "$backups"/base-* | sort | tail -n 1
