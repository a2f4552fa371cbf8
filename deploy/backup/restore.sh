#!/bin/sh
# Runs in a container of a stopped database: sh restore.sh [TIME]
# Prepares the newest base backup before TIME (UTC, for example "2026-11-29 01:30:00"). The next start
# of the server recovers it to this time, or without TIME to the end of the archived WAL. The present
# data are moved aside.
set -eu
umask 077
backups=$(cd "${BACKUPS:-/backups}" && pwd)
time=${1:-}
name=base-$(date -u -d "${time:-now} UTC" +%Y%m%dT%H%M%SZ)
if [ -e "$PGDATA/postmaster.pid" ]; then
  echo "A server runs on $PGDATA, or was killed; stop it first. If none runs, delete $PGDATA/postmaster.pid. Nothing was changed." >&2
  exit 1
fi
base=
for found in "$backups"/base-*; do
  # In the order of their names, which is the order of the times.
  if [ -e "$found" ] && ! [ "$(basename "$found")" \> "$name" ]; then base=$found; fi
done
if [ -z "$base" ]; then
  echo "There is no base backup before ${time:-now} in $backups. Nothing was changed." >&2
  exit 1
fi
pg_verifybackup --quiet "$base"
rm -rf "$PGDATA.restored"
cp -a "$base" "$PGDATA.restored"
{
  # With the path: the server that recovers may run without $BACKUPS, and would find no WAL.
  echo "restore_command = 'BACKUPS=\"$backups\" sh \"$(cd "$(dirname "$0")" && pwd)/fetch-wal.sh\" %f %p'"
  echo "recovery_target_time = '${time:+$time UTC}'"
  echo "recovery_target_action = 'promote'"
  # A standby or a backup of the restored server must not stop at this time, too.
  echo "recovery_end_command = 'sed -i -E \"/^(restore_command|recovery_[a-z_]+) =/d\" postgresql.auto.conf'"
} >> "$PGDATA.restored/postgresql.auto.conf"
touch "$PGDATA.restored/recovery.signal"
sync
if [ -e "$PGDATA" ]; then mv "$PGDATA" "$PGDATA.before-$(date -u +%Y%m%dT%H%M%SZ)"; fi
mv "$PGDATA.restored" "$PGDATA"
echo "$base is in $PGDATA; start the server to recover it to ${time:-the end of the archived WAL}."
