\ir ../../../database/erased-users-0001.sql
\ir ../../../database/audit-trail-0002.sql
