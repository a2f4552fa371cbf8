\ir ../../../database/audit-trail-0003.sql
