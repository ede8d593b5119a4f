-- What a service publishes and what it has consumed. Forward-only; new tables, so every binary runs
-- across it.

-- Insert only. The relay follows the write-ahead log and never updates a row; old partitions are
-- dropped after the repair window. CHECKs keep out what a broker would refuse.
CREATE TABLE {schema}.outbox (
    seq               bigint GENERATED ALWAYS AS IDENTITY,
    event_id          uuid NOT NULL PRIMARY KEY,
    topic             text NOT NULL CHECK (topic ~ '^[a-z0-9_-]+([.][a-z0-9_-]+)+[.]v[0-9]+$'),
    key               bytea NOT NULL CHECK (octet_length(key) BETWEEN 1 AND 1024),
    headers           bytea NOT NULL,
    payload           bytea NOT NULL,
    aggregate_version bigint NOT NULL CHECK (aggregate_version >= 0),
    created_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Read by the polling source only: a snapshot tells whether the transaction is visible.
    xid               xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CHECK (octet_length(headers) + octet_length(payload) <= 1000000)
) PARTITION BY RANGE (event_id);

CREATE INDEX outbox_xid ON {schema}.outbox (xid);

-- One row per event that was handled, written with the effect of handling it.
CREATE TABLE {schema}.inbox (
    consumer     text NOT NULL,
    event_id     uuid NOT NULL,
    topic        text NOT NULL,
    part         bigint NOT NULL,
    off          bigint NOT NULL,
    processed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, event_id)
) PARTITION BY RANGE (event_id);

-- Where each partition stands. It is the truth and the fence: a consumer that was replaced without
-- knowing it finds a position beyond its batch.
CREATE TABLE {schema}.inbox_position (
    consumer   text NOT NULL,
    topic      text NOT NULL,
    part       bigint NOT NULL,
    next_off   bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, topic, part)
) WITH (fillfactor = 50);

-- Records whose handler failed, and the later ones of their keys, in order.
CREATE TABLE {schema}.inbox_parked (
    id         uuid NOT NULL PRIMARY KEY,
    consumer   text NOT NULL,
    topic      text NOT NULL,
    part       bigint NOT NULL,
    off        bigint NOT NULL,
    event_id   uuid NOT NULL,
    type       text NOT NULL,
    key        bytea NOT NULL,
    sequence   bigint NOT NULL,
    headers    bytea NOT NULL,
    payload    bytea NOT NULL,
    attempts   bigint NOT NULL DEFAULT 0,
    is_dead    boolean NOT NULL DEFAULT false,
    reason     text NOT NULL,
    detail     text,
    parked_at  timestamptz NOT NULL DEFAULT now(),
    next_try   timestamptz NOT NULL DEFAULT now(),
    UNIQUE (consumer, topic, part, off)
);

CREATE INDEX inbox_parked_key ON {schema}.inbox_parked (consumer, topic, key, off);

GRANT SELECT, INSERT ON {schema}.outbox, {schema}.inbox TO {app};
GRANT SELECT, INSERT, UPDATE ON {schema}.inbox_position TO {app};
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.inbox_parked TO {app};
