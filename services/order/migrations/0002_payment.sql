-- Payments: a row of totals and the append-only ledger it sums up. New tables.

-- One tender of one checkout. The amounts are sums of the ledger, kept in the transaction that
-- appends to it; the constraints are what no race may break.
CREATE TABLE orders.payment (
    id                      uuid PRIMARY KEY,   -- derived from checkout and tender number
    checkout_id             uuid NOT NULL,
    order_id                uuid,               -- set when placed; equals checkout_id
    number                  bigint NOT NULL CHECK (number BETWEEN 1 AND 5),
    account                 text NOT NULL,
    provider                text NOT NULL,
    capture_policy          bigint NOT NULL,
    payment_method          text,               -- the provider's token
    return_url              text,
    currency_code           text NOT NULL,
    amount_minor            bigint NOT NULL CHECK (amount_minor >= 0),
    authorized_minor        bigint NOT NULL DEFAULT 0 CHECK (authorized_minor >= 0),
    capture_requested_minor bigint NOT NULL DEFAULT 0,
    captured_minor          bigint NOT NULL DEFAULT 0 CHECK (captured_minor >= 0),
    refund_requested_minor  bigint NOT NULL DEFAULT 0,
    refunded_minor          bigint NOT NULL DEFAULT 0 CHECK (refunded_minor >= 0),
    state                   bigint NOT NULL CHECK (state BETWEEN 1 AND 8),
    attempt                 bigint NOT NULL DEFAULT 0, -- part of the provider's key
    tries                   bigint NOT NULL DEFAULT 0, -- requests sent with that key
    capture_count           bigint NOT NULL DEFAULT 0,
    refund_count            bigint NOT NULL DEFAULT 0,
    void_count              bigint NOT NULL DEFAULT 0,
    is_voiding              boolean NOT NULL DEFAULT false,
    is_cancelled            boolean NOT NULL DEFAULT false, -- tombstone: what comes is given back
    provider_reference      text,
    action_url              text,
    client_secret           text,
    failure_reason          text,
    version                 bigint NOT NULL DEFAULT 0, -- ce_sequence of its last event
    request_time            timestamptz,
    create_time             timestamptz NOT NULL DEFAULT now(),
    update_time             timestamptz NOT NULL DEFAULT now(),
    UNIQUE (checkout_id, number),
    CONSTRAINT payment_capture_within_authorization CHECK
        (captured_minor <= capture_requested_minor
         AND capture_requested_minor <= authorized_minor),
    CONSTRAINT payment_refund_within_capture CHECK
        (refunded_minor <= refund_requested_minor AND refund_requested_minor <= captured_minor)
) WITH (fillfactor = 70);

CREATE INDEX payment_reference ON orders.payment (provider, provider_reference)
    WHERE provider_reference IS NOT NULL;

-- kind: 1 authorize, 2 capture, 3 void, 4 refund. outcome: 1 requested, 2 succeeded, 3 failed,
-- 4 unknown. number: the attempt, or the n-th capture, void or refund. The key makes appending the
-- same fact twice append it once. It lives in the day of its payment, whenever it is written.
CREATE TABLE orders.payment_entry (
    payment_id         uuid NOT NULL,
    kind               bigint NOT NULL CHECK (kind BETWEEN 1 AND 4),
    number             bigint NOT NULL,
    outcome            bigint NOT NULL CHECK (outcome BETWEEN 1 AND 4),
    id                 uuid NOT NULL,
    amount_minor       bigint NOT NULL CHECK (amount_minor >= 0),
    provider_key       text NOT NULL,
    provider_reference text,
    failure_reason     text,
    create_time        timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (payment_id, kind, number, outcome)
) PARTITION BY RANGE (payment_id);

-- Provider events that were applied; a second delivery finds its row and changes nothing.
CREATE TABLE orders.webhook_event (
    account      text NOT NULL,
    event_id     text NOT NULL,
    type         text NOT NULL,
    payment_id   uuid,
    receive_time timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account, event_id)
);

CREATE INDEX webhook_event_age ON orders.webhook_event (receive_time);

GRANT SELECT, INSERT, UPDATE ON orders.payment TO order_app;
GRANT SELECT, INSERT ON orders.payment_entry TO order_app;
GRANT SELECT, INSERT, DELETE ON orders.webhook_event TO order_app;
