-- What the pgbench scripts write to: a row to change, rows to add; sized like a reservation.
CREATE SCHEMA IF NOT EXISTS bench;
CREATE TABLE IF NOT EXISTS bench.balance (
    id       int PRIMARY KEY,
    quantity bigint NOT NULL,
    version  bigint NOT NULL
);
CREATE TABLE IF NOT EXISTS bench.entry (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    balance_id int NOT NULL,
    payload    text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO bench.balance SELECT id, 1000000000, 0 FROM generate_series(1, 2000) AS id
    ON CONFLICT DO NOTHING;
