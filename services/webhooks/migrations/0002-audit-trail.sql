\ir ../../../database/audit-trail-0001.sql
