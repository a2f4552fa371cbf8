\ir ../../../database/shared-tables/audit-trail-0002.sql
