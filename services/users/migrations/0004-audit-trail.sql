\ir ../../../database/shared-tables/audit-trail-0001.sql
