\ir ../../../database/shared-tables/erased-users-0001.sql
\ir ../../../database/shared-tables/audit-trail-0002.sql
