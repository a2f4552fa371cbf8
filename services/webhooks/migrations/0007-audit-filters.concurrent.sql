\ir ../../../database/shared-tables/audit-trail-0004.sql
