-- What the relay needs in a database: a role, schema relay, the publication. For psql, as
-- superuser, after the services' migrations and whenever a service with an outbox is added. Safe to
-- repeat.
--
--   psql -v ON_ERROR_STOP=1 -v role=relay -v password=... -f setup.sql
--
-- The slot is made by the relay itself, after the publication: the other order ends every stream.
\set ON_ERROR_STOP on

SELECT format('CREATE ROLE %I', :'role')
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \gexec
ALTER ROLE :"role" LOGIN REPLICATION PASSWORD :'password';
-- A frozen relay loses the slot after ten seconds, so that the standby can take it.
ALTER ROLE :"role" SET wal_sender_timeout = '10s';

SELECT format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), :'role') \gexec
CREATE SCHEMA IF NOT EXISTS relay;
GRANT USAGE ON SCHEMA relay TO :"role";

-- The stream is confirmed up to here and never beyond.
CREATE TABLE IF NOT EXISTS relay.wal_position (
    slot            text PRIMARY KEY,
    is_bootstrapped boolean NOT NULL,
    system_id       text NOT NULL,
    timeline        text NOT NULL,
    end_lsn         pg_lsn NOT NULL,
    updated_at      timestamptz NOT NULL DEFAULT now()
);

-- Polling: published up to `done`, and of the difference to `running` up to (source, seq).
CREATE TABLE IF NOT EXISTS relay.snapshot_position (
    slot       text PRIMARY KEY,
    done       pg_snapshot NOT NULL,
    running    pg_snapshot,
    source     text NOT NULL,
    seq        bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS relay.stream_position (
    stream     text PRIMARY KEY,
    last_id    text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- Records that the broker refused, and the later ones of their keys. An operator sets `resolution`
-- of the oldest of a key.
CREATE TABLE IF NOT EXISTS relay.parked (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic      text NOT NULL,
    key        bytea NOT NULL,
    headers    bytea NOT NULL,
    payload    bytea NOT NULL,
    created_at timestamptz NOT NULL,
    reason     text NOT NULL,
    resolution text CHECK (resolution IN ('retry', 'skip')),
    parked_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS parked_key ON relay.parked (topic, key, id);

GRANT SELECT, INSERT, UPDATE ON relay.wal_position, relay.snapshot_position, relay.stream_position
   TO :"role";
GRANT SELECT, INSERT, UPDATE, DELETE ON relay.parked TO :"role";

-- Every schema with a partitioned table `outbox` takes part.
CREATE TEMPORARY TABLE outboxes AS
SELECT n.nspname AS schema
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relname = 'outbox' AND c.relkind = 'p';

SELECT format('GRANT USAGE ON SCHEMA %1$I TO %2$I', schema, :'role'),
       format('GRANT SELECT ON %1$I.outbox TO %2$I', schema, :'role')
  FROM outboxes \gexec

DROP VIEW IF EXISTS relay.outbox;
SELECT 'CREATE VIEW relay.outbox WITH (security_invoker) AS ' ||
       string_agg(format('SELECT %1$L::text AS source, seq, topic, key, headers, payload,'
                         ' created_at, xid FROM %1$I.outbox', schema), ' UNION ALL ')
  FROM outboxes HAVING count(*) > 0 \gexec
SELECT format('GRANT SELECT ON relay.outbox TO %I', :'role') FROM outboxes LIMIT 1 \gexec

SELECT 'CREATE PUBLICATION outbox_relay'
 WHERE NOT EXISTS (SELECT FROM pg_publication WHERE pubname = 'outbox_relay') \gexec
ALTER PUBLICATION outbox_relay SET (publish = 'insert', publish_via_partition_root = true);
SELECT 'ALTER PUBLICATION outbox_relay SET TABLE ' ||
       string_agg(format('%I.outbox', schema), ', ')
  FROM outboxes HAVING count(*) > 0 \gexec
DROP TABLE outboxes;
