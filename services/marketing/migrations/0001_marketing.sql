-- Promotions, coupons and who holds or used them. Any binary may run across it: it is the first.

-- Bumped by every change of a promotion: an evaluation learns with one row whether what it has in
-- memory is still true.
CREATE TABLE marketing.promotion_epoch (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    epoch bigint NOT NULL
);
INSERT INTO marketing.promotion_epoch (epoch) VALUES (1);

CREATE TABLE marketing.promotion (
    id uuid PRIMARY KEY,
    code text NOT NULL CONSTRAINT promotion_code_unique UNIQUE,
    is_active boolean NOT NULL,
    priority bigint NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_until timestamptz NOT NULL DEFAULT 'infinity',
    definition jsonb NOT NULL, -- marketing.v1.Promotion in proto3 JSON
    version bigint NOT NULL DEFAULT 1
);
CREATE INDEX promotion_live ON marketing.promotion (priority, code) WHERE is_active;

CREATE TABLE marketing.coupon (
    id uuid PRIMARY KEY,
    code text NOT NULL,
    code_key text NOT NULL CONSTRAINT coupon_code_unique UNIQUE, -- trimmed, upper case
    promotion_id uuid NOT NULL REFERENCES marketing.promotion,
    usage_limit bigint NOT NULL CHECK (usage_limit >= 0),
    per_customer_limit bigint NOT NULL CHECK (per_customer_limit >= 0),
    valid_from timestamptz NOT NULL,
    valid_until timestamptz NOT NULL DEFAULT 'infinity',
    is_active boolean NOT NULL,
    held_count bigint NOT NULL DEFAULT 0 CHECK (held_count >= 0),
    redeemed_count bigint NOT NULL DEFAULT 0 CHECK (redeemed_count >= 0),
    version bigint NOT NULL DEFAULT 1,
    -- What the code promises holds even if a statement forgot to check it.
    CONSTRAINT coupon_not_overused
        CHECK (usage_limit = 0 OR held_count + redeemed_count <= usage_limit)
);
CREATE INDEX coupon_by_promotion ON marketing.coupon (promotion_id, id);

-- One row a checkout that ever held, or was told to give back before it held (a tombstone).
CREATE TABLE marketing.hold (
    checkout_id uuid PRIMARY KEY,
    state text NOT NULL CHECK (state IN ('held', 'redeemed', 'released')),
    coupon_ids uuid[] NOT NULL,
    customer_key text NOT NULL,
    order_id uuid,
    create_time timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE marketing.coupon_use (
    checkout_id uuid NOT NULL REFERENCES marketing.hold,
    coupon_id uuid NOT NULL REFERENCES marketing.coupon,
    customer_key text NOT NULL,
    is_live boolean NOT NULL, -- held or redeemed
    PRIMARY KEY (checkout_id, coupon_id)
);
CREATE INDEX coupon_use_by_customer ON marketing.coupon_use (coupon_id, customer_key) WHERE is_live;

GRANT SELECT, UPDATE ON marketing.promotion_epoch TO marketing_app;
GRANT SELECT, INSERT, UPDATE ON marketing.promotion, marketing.coupon, marketing.hold,
    marketing.coupon_use TO marketing_app;
