-- What every service keeps for the chassis: applied migrations, replies by idempotency key, durable
-- tasks, audit. Forward-only; new tables, so every binary runs across it.

CREATE TABLE {schema}.migration (
    module     text NOT NULL,
    name       text NOT NULL,
    checksum   text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (module, name)
);

CREATE TABLE {schema}.idempotency (
    scope       text NOT NULL,
    key         text NOT NULL,
    fingerprint bytea NOT NULL,
    reply       bytea NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (scope, key)
);

CREATE INDEX idempotency_age ON {schema}.idempotency (created_at);

-- What must leave the process. A leased row is somebody's until its lease runs out; a row with
-- failed_at used up its attempts and waits for a person.
CREATE TABLE {schema}.task (
    id             uuid NOT NULL PRIMARY KEY,
    kind           text NOT NULL,
    key            text NOT NULL,
    payload        bytea NOT NULL,
    due_at         timestamptz NOT NULL,
    lease_until    timestamptz,
    attempts       bigint NOT NULL DEFAULT 0,
    last_error     text,
    failed_at      timestamptz,
    correlation_id text,
    trace          bytea,
    created_at     timestamptz NOT NULL DEFAULT now(),
    UNIQUE (kind, key)
) WITH (fillfactor = 70);

CREATE INDEX task_due ON {schema}.task (due_at) WHERE failed_at IS NULL;
CREATE INDEX task_failed ON {schema}.task (kind) WHERE failed_at IS NOT NULL;

-- Who changed what. Append-only: the running role may not change or remove a row.
CREATE TABLE {schema}.audit (
    id           uuid NOT NULL PRIMARY KEY,
    occurred_at  timestamptz NOT NULL,
    actor        text NOT NULL,
    on_behalf_of text,
    service      text NOT NULL,
    action       text NOT NULL,
    entity_id    uuid NOT NULL,
    reason       text,
    detail       text,
    trace_id     bytea NOT NULL
) PARTITION BY RANGE (id);

CREATE INDEX audit_entity ON {schema}.audit (entity_id, id);

GRANT USAGE ON SCHEMA {schema} TO {app};
GRANT SELECT ON {schema}.migration TO {app};
-- UPDATE: the sweep locks the rows that it deletes.
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.idempotency TO {app};
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.task TO {app};
GRANT SELECT, INSERT ON {schema}.audit TO {app};
