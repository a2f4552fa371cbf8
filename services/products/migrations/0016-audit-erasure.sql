\ir ../../../database/audit-trail-0002.sql
