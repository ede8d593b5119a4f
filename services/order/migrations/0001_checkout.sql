-- Checkouts: the durable record of a purchase in progress. New tables, so every binary runs across
-- it.

-- Where money goes. Secrets are not here: they come from the environment of the provider's adapter.
CREATE TABLE orders.provider_account (
    code           text PRIMARY KEY,
    provider       text NOT NULL,
    capture_policy bigint NOT NULL CHECK (capture_policy IN (1, 2)),
    is_active      boolean NOT NULL,
    currency_codes text[] NOT NULL DEFAULT '{}',
    create_time    timestamptz NOT NULL DEFAULT now()
);

-- state holds the numbers of order.v1.CheckoutState. is_live says the same as "neither placed nor
-- cancelled"; the partial indexes go by it and not by state: an update that changes a column of an
-- index cannot be a heap-only one, and every step of a checkout changes its state.
CREATE TABLE orders.checkout (
    id                  uuid PRIMARY KEY,
    state               bigint NOT NULL CHECK (state BETWEEN 1 AND 9),
    is_live             boolean NOT NULL GENERATED ALWAYS AS (state NOT IN (7, 9)) STORED,
    cart_id             uuid NOT NULL,
    cart_version        bigint NOT NULL,
    client_key          text NOT NULL,
    fingerprint         text NOT NULL,
    customer_id         uuid,
    expected_minor      bigint NOT NULL CHECK (expected_minor >= 0),
    currency_code       text NOT NULL,
    quoted_minor        bigint,
    quoted_currency     text,
    tenders             bytea NOT NULL,          -- order.v1.UpdateTendersRequest: the inputs
    snapshot            bytea COMPRESSION lz4,   -- order.v1.CheckoutSnapshot, from PRICED on
    reservation_id      uuid,
    reservation_attempt bigint NOT NULL DEFAULT 1,
    allocations         bytea COMPRESSION lz4,   -- order.v1.Checkout with its allocations alone
    order_number        text,
    failure_reason      text,
    failure_code        bigint,                  -- of google.rpc.Code
    failure_detail      text,
    event_count         bigint NOT NULL DEFAULT 0, -- ce_sequence of its last event
    epoch               bigint NOT NULL DEFAULT 1,
    driver              text NOT NULL,
    lease_until         timestamptz NOT NULL,
    wake_time           timestamptz NOT NULL,    -- nobody needs to look before
    resume_time         timestamptz,             -- when somebody was last asked to
    deadline            timestamptz NOT NULL,
    create_time         timestamptz NOT NULL DEFAULT now(),
    update_time         timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 60);

CREATE UNIQUE INDEX checkout_client_key ON orders.checkout (client_key);
-- One live checkout per cart, whatever keys, browsers and webhooks race.
CREATE UNIQUE INDEX checkout_live_cart ON orders.checkout (cart_id) WHERE is_live;
CREATE INDEX checkout_cart ON orders.checkout (cart_id);
CREATE INDEX checkout_wake ON orders.checkout (wake_time) WHERE is_live;
CREATE INDEX checkout_finished ON orders.checkout (create_time) WHERE NOT is_live;

GRANT USAGE ON SCHEMA orders TO order_app;
GRANT SELECT, INSERT, UPDATE ON orders.provider_account TO order_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON orders.checkout TO order_app;
