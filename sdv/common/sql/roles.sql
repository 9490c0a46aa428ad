-- Roles and database, for the embedded servers and for docker-compose alike. Run by psql as superuser; may be run again.
--   sdv_owner  owns the tables: migrations and partitions
--   sdv        the application: reads and writes rows, may neither change a table nor empty one
-- Passwords come from the environment where there are any (the embedded servers are reached by a private socket only).

\set ON_ERROR_STOP on

SELECT 'CREATE ROLE sdv_owner LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'sdv_owner') \gexec
SELECT 'CREATE ROLE sdv LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'sdv') \gexec
-- The owner may act as the application, so that a test can see what the application may not.
GRANT sdv TO sdv_owner;

\getenv owner_password SDV_OWNER_PASSWORD
\if :{?owner_password}
ALTER ROLE sdv_owner PASSWORD :'owner_password';
\endif
\getenv application_password SDV_APPLICATION_PASSWORD
\if :{?application_password}
ALTER ROLE sdv PASSWORD :'application_password';
\endif

-- In the template first: extensions and default privileges then follow into every database made from it.
\connect template1
CREATE EXTENSION IF NOT EXISTS btree_gist;
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS unaccent;
CREATE EXTENSION IF NOT EXISTS fuzzystrmatch;
ALTER DEFAULT PRIVILEGES FOR ROLE sdv_owner GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO sdv;
ALTER DEFAULT PRIVILEGES FOR ROLE sdv_owner GRANT USAGE, SELECT ON SEQUENCES TO sdv;
\connect postgres

SELECT 'CREATE DATABASE sdv OWNER sdv_owner' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'sdv') \gexec
