-- Who has stock promised. Forward-only; new tables, so every binary runs across it.

-- A row without lines in state 'released' is a tombstone: released before it was ever reserved.
-- Finished ones (released, expired, or committed and shipped) are purged after the retention.
CREATE TABLE inventory.reservation (
    id             uuid PRIMARY KEY,
    state          text NOT NULL
                   CHECK (state IN ('held', 'pinned', 'committed', 'released', 'expired')),
    expire_time    timestamptz,
    pin_time       timestamptz,
    finish_time    timestamptz,
    event_sequence bigint NOT NULL,
    create_time    timestamptz NOT NULL DEFAULT now(),
    CHECK ((state = 'held') = (expire_time IS NOT NULL))
) WITH (fillfactor = 70);

CREATE INDEX reservation_due ON inventory.reservation (expire_time) WHERE state = 'held';
CREATE INDEX reservation_pinned ON inventory.reservation (pin_time) WHERE state = 'pinned';
CREATE INDEX reservation_finished ON inventory.reservation (finish_time)
    WHERE finish_time IS NOT NULL;

-- What one warehouse serves of one line, in units of one stock item. No foreign key: both are
-- written by one transaction and deleted by one statement, and the check would cost every Reserve.
CREATE TABLE inventory.reservation_line (
    reservation_id   uuid NOT NULL,
    position         bigint NOT NULL,
    line_id          text NOT NULL,
    variant_id       uuid NOT NULL,
    stock_item_id    uuid NOT NULL,
    warehouse_id     uuid NOT NULL,
    quantity         bigint NOT NULL CHECK (quantity > 0),
    -- Units of the stock item in one unit of the variant, as it was when reserved.
    unit_quantity    bigint NOT NULL CHECK (unit_quantity > 0),
    variant_quantity bigint NOT NULL CHECK (variant_quantity >= 0),
    shipped_quantity bigint NOT NULL DEFAULT 0
                     CHECK (shipped_quantity BETWEEN 0 AND quantity),
    PRIMARY KEY (reservation_id, position)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON inventory.reservation, inventory.reservation_line
    TO inventory_app;
