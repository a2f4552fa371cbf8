\ir ../../../mixins/audit-trail-0001.sql
