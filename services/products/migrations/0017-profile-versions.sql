\ir ../../../database/shared-tables/known-users-0002.sql
