-- One service's roles and schema; run by up as superuser, safe to run again.
-- The owner migrates; the app role runs and may do what migrations grant it.
-- Exclusion constraints over ids and ranges; an owner may not install it.
CREATE EXTENSION IF NOT EXISTS btree_gist WITH SCHEMA public;
SELECT format('CREATE ROLE %I', name)
  FROM unnest(ARRAY[:'owner', :'app']) AS name
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec
ALTER ROLE :"owner" LOGIN PASSWORD :'owner_password';
ALTER ROLE :"app" LOGIN PASSWORD :'app_password';
CREATE SCHEMA IF NOT EXISTS :"schema" AUTHORIZATION :"owner";
GRANT USAGE ON SCHEMA :"schema" TO :"app";
ALTER ROLE :"owner" SET search_path = :"schema";
ALTER ROLE :"app" SET search_path = :"schema";
SELECT format('GRANT CONNECT ON DATABASE %I TO %I, %I', current_database(), :'owner', :'app') \gexec
