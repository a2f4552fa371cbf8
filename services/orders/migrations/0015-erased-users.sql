\ir ../../../database/erased-users-0001.sql
