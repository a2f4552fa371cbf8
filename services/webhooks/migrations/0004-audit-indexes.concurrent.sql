\ir ../../../database/shared-tables/audit-trail-0003.sql
