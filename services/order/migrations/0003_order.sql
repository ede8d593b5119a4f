-- Orders: what was sold, to whom, and how it leaves the house. New tables.

CREATE SEQUENCE orders.order_number START 100001;

-- state is what is decided (open, cancelled, closed). payment_status and fulfillment_status are
-- derived from the ledger and the lines, written only with them, so that lists can filter.
CREATE TABLE orders.orders (
    id                 uuid PRIMARY KEY,        -- the checkout's id
    number             text NOT NULL UNIQUE,
    state              bigint NOT NULL CHECK (state BETWEEN 1 AND 3),
    payment_status     bigint NOT NULL,
    fulfillment_status bigint NOT NULL,
    version            bigint NOT NULL,         -- ce_sequence of its last event
    revision           bigint NOT NULL DEFAULT 1,
    channel_id         uuid,
    customer_id        uuid,
    cart_id            uuid NOT NULL,
    reservation_id     uuid,
    locale             text NOT NULL,
    currency_code      text NOT NULL,
    total_minor        bigint NOT NULL CHECK (total_minor >= 0),
    cancel_reason      text,
    place_time         timestamptz NOT NULL,
    update_time        timestamptz NOT NULL
) WITH (fillfactor = 70);

CREATE INDEX orders_customer ON orders.orders (customer_id, id) WHERE customer_id IS NOT NULL;

-- Everything needed to print, tax, refund and explain the order years later, without personal data.
-- Placement is revision 1; an edit appends. Nothing ever changes a row.
CREATE TABLE orders.order_revision (
    order_id      uuid NOT NULL REFERENCES orders.orders,
    revision      bigint NOT NULL,
    snapshot      bytea COMPRESSION lz4 NOT NULL, -- order.v1.CheckoutSnapshot
    snapshot_hash bytea NOT NULL,                 -- its SHA-256
    create_time   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (order_id, revision)
);

CREATE FUNCTION orders.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END
$$;

CREATE TRIGGER order_revision_is_final BEFORE UPDATE OR DELETE ON orders.order_revision
    FOR EACH ROW EXECUTE FUNCTION orders.refuse_change();

-- Personal data, beside the order and outside its snapshot: erasure replaces this row alone.
CREATE TABLE orders.party (
    order_id         uuid PRIMARY KEY REFERENCES orders.orders,
    email            text NOT NULL,
    shipping_address bytea, -- common.v1.Address
    billing_address  bytea,
    update_time      timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE orders.order_line (
    order_id           uuid NOT NULL REFERENCES orders.orders,
    line_id            text NOT NULL,
    position           bigint NOT NULL,
    parent_line_id     text NOT NULL,
    variant_id         uuid NOT NULL,
    product_id         uuid,
    sku                text NOT NULL,
    name               text NOT NULL,
    quantity           bigint NOT NULL CHECK (quantity > 0),
    gross_minor        bigint NOT NULL,
    net_minor          bigint NOT NULL,
    tax_minor          bigint NOT NULL,
    discount_minor     bigint NOT NULL,
    unit_discounts     jsonb NOT NULL, -- [[units, minor units off each], ...]
    shipped_quantity   bigint NOT NULL DEFAULT 0,
    delivered_quantity bigint NOT NULL DEFAULT 0,
    cancelled_quantity bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (order_id, line_id),
    CONSTRAINT order_line_quantities CHECK
        (delivered_quantity >= 0 AND delivered_quantity <= shipped_quantity
         AND cancelled_quantity >= 0 AND shipped_quantity + cancelled_quantity <= quantity)
) WITH (fillfactor = 80);

-- What one warehouse sends.
CREATE TABLE orders.fulfillment (
    id           uuid PRIMARY KEY,
    order_id     uuid NOT NULL REFERENCES orders.orders,
    warehouse_id uuid NOT NULL,
    state        bigint NOT NULL CHECK (state BETWEEN 1 AND 4),
    UNIQUE (order_id, warehouse_id)
) WITH (fillfactor = 80);

CREATE TABLE orders.fulfillment_line (
    fulfillment_id   uuid NOT NULL REFERENCES orders.fulfillment,
    line_id          text NOT NULL,
    variant_id       uuid NOT NULL,
    quantity         bigint NOT NULL CHECK (quantity > 0),
    shipped_quantity bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (fulfillment_id, line_id),
    CONSTRAINT fulfillment_line_shipped CHECK (shipped_quantity BETWEEN 0 AND quantity)
) WITH (fillfactor = 80);

-- A parcel. One that is being prepared has no lines of its own yet: they are fixed when it leaves.
CREATE TABLE orders.shipment (
    id              uuid PRIMARY KEY,
    fulfillment_id  uuid NOT NULL REFERENCES orders.fulfillment,
    state           bigint NOT NULL CHECK (state BETWEEN 1 AND 4),
    carrier         text NOT NULL DEFAULT '',
    tracking_number text NOT NULL DEFAULT '',
    create_time     timestamptz NOT NULL DEFAULT now(),
    ship_time       timestamptz,
    deliver_time    timestamptz
);

CREATE INDEX shipment_fulfillment ON orders.shipment (fulfillment_id);

CREATE TABLE orders.shipment_line (
    shipment_id uuid NOT NULL REFERENCES orders.shipment,
    line_id     text NOT NULL,
    quantity    bigint NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (shipment_id, line_id)
);

GRANT USAGE ON SEQUENCE orders.order_number TO order_app;
GRANT SELECT, INSERT, UPDATE ON orders.orders TO order_app;
GRANT SELECT, INSERT ON orders.order_revision TO order_app;
GRANT SELECT, INSERT, UPDATE ON orders.party TO order_app;
GRANT SELECT, INSERT, UPDATE ON orders.order_line TO order_app;
GRANT SELECT, INSERT, UPDATE ON orders.fulfillment TO order_app;
GRANT SELECT, INSERT, UPDATE ON orders.fulfillment_line TO order_app;
GRANT SELECT, INSERT, UPDATE ON orders.shipment TO order_app;
GRANT SELECT, INSERT ON orders.shipment_line TO order_app;
