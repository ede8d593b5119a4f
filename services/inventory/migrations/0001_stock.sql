-- Where stock is and how it got there. Forward-only; new tables, so every binary runs across it.

CREATE TABLE inventory.warehouse (
    id           uuid PRIMARY KEY,
    code         text NOT NULL,
    name         text NOT NULL,
    country_code text NOT NULL,
    priority     bigint NOT NULL,
    is_active    boolean NOT NULL,
    version      bigint NOT NULL DEFAULT 1,
    create_time  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT warehouse_code UNIQUE (code)
);

-- What selling one unit of a variant takes from stock. A variant without rows is its own stock
-- item.
CREATE TABLE inventory.variant_component (
    variant_id    uuid NOT NULL,
    stock_item_id uuid NOT NULL,
    position      bigint NOT NULL,
    quantity      bigint NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (variant_id, stock_item_id)
);

CREATE INDEX variant_component_item ON inventory.variant_component (stock_item_id, variant_id);

-- The lock of everything about a stock item: who changes a level or an outside balance of it, or
-- publishes about it, holds this row. Several are locked in id order.
CREATE TABLE inventory.stock_item (
    id             uuid PRIMARY KEY,
    event_sequence bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

-- The accounts inside a warehouse. Each equals the sum of its movements.
CREATE TABLE inventory.stock_level (
    stock_item_id   uuid NOT NULL REFERENCES inventory.stock_item,
    warehouse_id    uuid NOT NULL,
    available       bigint NOT NULL DEFAULT 0,
    reserved        bigint NOT NULL DEFAULT 0 CHECK (reserved >= 0),
    allocated       bigint NOT NULL DEFAULT 0 CHECK (allocated >= 0),
    quarantine      bigint NOT NULL DEFAULT 0 CHECK (quarantine >= 0),
    low_threshold   bigint NOT NULL DEFAULT 0 CHECK (low_threshold >= 0),
    backorder_limit bigint NOT NULL DEFAULT 0 CHECK (backorder_limit >= 0),
    version         bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (stock_item_id, warehouse_id),
    CONSTRAINT stock_level_warehouse FOREIGN KEY (warehouse_id) REFERENCES inventory.warehouse
) WITH (fillfactor = 50);

CREATE INDEX stock_level_by_warehouse ON inventory.stock_level (warehouse_id, stock_item_id);

-- The accounts outside of every warehouse. They make the books balance: all accounts of a stock
-- item sum to zero.
CREATE TABLE inventory.outside_balance (
    stock_item_id uuid NOT NULL REFERENCES inventory.stock_item,
    account       text NOT NULL CHECK (account IN ('supplier', 'customer', 'in_transit', 'loss')),
    balance       bigint NOT NULL,
    PRIMARY KEY (stock_item_id, account)
) WITH (fillfactor = 50);

-- The ledger. Rows are only ever added. An account inside a warehouse names the warehouse, an
-- account outside has none.
CREATE TABLE inventory.movement (
    id                uuid NOT NULL,
    kind              text NOT NULL,
    stock_item_id     uuid NOT NULL,
    from_warehouse_id uuid,
    from_account      text NOT NULL,
    to_warehouse_id   uuid,
    to_account        text NOT NULL,
    quantity          bigint NOT NULL CHECK (quantity > 0),
    cause_id          uuid NOT NULL,
    reference         text,
    actor             text NOT NULL,
    create_time       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (stock_item_id, id),
    CHECK ((from_account IN ('available', 'reserved', 'allocated', 'quarantine'))
           = (from_warehouse_id IS NOT NULL)),
    CHECK ((to_account IN ('available', 'reserved', 'allocated', 'quarantine'))
           = (to_warehouse_id IS NOT NULL))
) PARTITION BY RANGE (id);

GRANT SELECT, INSERT, UPDATE ON inventory.warehouse, inventory.stock_item, inventory.stock_level,
    inventory.outside_balance TO inventory_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON inventory.variant_component TO inventory_app;
GRANT SELECT, INSERT ON inventory.movement TO inventory_app;
