\ir ../../../database/known-users-0002.sql
