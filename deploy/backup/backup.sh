#!/bin/sh
# Takes a base backup of each database of docker-compose.backup.yml: sh deploy/backup/backup.sh
# Run it at an interval, for example by cron. A failure ends it with a status other than 0.
set -eu
cd "$(dirname "$0")/../.."
compose="docker compose -f docker-compose.yml -f docker-compose.backup.yml"
for service in users products orders webhooks; do
  $compose exec -T -u postgres "$service-db" sh /deploy/backup/base-backup.sh
done
