\ir ../../../database/shared-tables/audit-trail-0005.sql
