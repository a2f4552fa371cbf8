\ir ../../../database/shared-tables/erased-users-0001.sql
