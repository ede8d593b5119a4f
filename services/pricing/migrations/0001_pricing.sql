-- Currencies, taxes, price lists and prices. Any binary may run across it: it is the first.
CREATE EXTENSION IF NOT EXISTS btree_gist; -- made by the deploy step where the owner may not

CREATE TABLE pricing.currency (
    code text PRIMARY KEY CHECK (code ~ '^[A-Z]{3}$'),
    exponent bigint NOT NULL CHECK (exponent BETWEEN 0 AND 4)
);

CREATE TABLE pricing.tax_category (
    code text PRIMARY KEY CHECK (code <> ''),
    name text NOT NULL
);

CREATE TABLE pricing.tax_rate (
    id uuid PRIMARY KEY,
    tax_category_code text NOT NULL REFERENCES pricing.tax_category,
    country_code text NOT NULL CHECK (country_code ~ '^[A-Z]{2}$'),
    region text NOT NULL,
    name text NOT NULL,
    percentage_unscaled bigint NOT NULL CHECK (percentage_unscaled >= 0),
    percentage_scale bigint NOT NULL CHECK (percentage_scale BETWEEN 0 AND 12),
    valid_from timestamptz NOT NULL,
    valid_until timestamptz NOT NULL DEFAULT 'infinity',
    version bigint NOT NULL DEFAULT 1,
    CHECK (valid_until >= valid_from),
    CONSTRAINT tax_rate_no_overlap EXCLUDE USING gist (
        tax_category_code WITH =, country_code WITH =, region WITH =,
        tstzrange(valid_from, valid_until) WITH &&)
);

-- Every dimension of a price but quantity and time sits on its list. Two active lists that nothing
-- but luck would rank are refused.
CREATE TABLE pricing.price_list (
    id uuid PRIMARY KEY,
    code text NOT NULL CONSTRAINT price_list_code_unique UNIQUE,
    name text NOT NULL,
    currency_code text NOT NULL REFERENCES pricing.currency,
    channel_id uuid,
    country_code text NOT NULL DEFAULT '',
    customer_group text NOT NULL DEFAULT '',
    is_gross boolean NOT NULL,
    home_country_code text NOT NULL DEFAULT '',
    priority bigint NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_until timestamptz NOT NULL DEFAULT 'infinity',
    is_active boolean NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    CHECK (valid_until > valid_from),
    CHECK (NOT is_gross OR home_country_code <> ''),
    CONSTRAINT price_list_no_tie EXCLUDE USING gist (
        currency_code WITH =,
        (coalesce(channel_id, '00000000-0000-0000-0000-000000000000')) WITH =,
        country_code WITH =, customer_group WITH =, priority WITH =,
        tstzrange(valid_from, valid_until) WITH &&) WHERE (is_active)
);

-- A row never changes but for its end, which a successor may bring forward.
CREATE TABLE pricing.price (
    id uuid PRIMARY KEY,
    price_list_id uuid NOT NULL REFERENCES pricing.price_list,
    variant_id uuid NOT NULL,
    min_quantity bigint NOT NULL CHECK (min_quantity >= 1),
    unit_unscaled bigint NOT NULL CHECK (unit_unscaled >= 0),
    unit_scale bigint NOT NULL CHECK (unit_scale BETWEEN 0 AND 12),
    compare_unscaled bigint,
    compare_scale bigint,
    valid_from timestamptz NOT NULL,
    valid_until timestamptz NOT NULL DEFAULT 'infinity',
    CHECK (valid_until >= valid_from),
    CONSTRAINT price_no_overlap EXCLUDE USING gist (
        price_list_id WITH =, variant_id WITH =, min_quantity WITH =,
        tstzrange(valid_from, valid_until) WITH &&)
);
CREATE INDEX price_by_variant ON pricing.price (variant_id, valid_until);
CREATE INDEX price_by_list ON pricing.price (price_list_id, id);

GRANT SELECT, INSERT, UPDATE ON pricing.currency, pricing.tax_category, pricing.price_list
    TO pricing_app;
GRANT SELECT, INSERT ON pricing.tax_rate, pricing.price TO pricing_app;
GRANT UPDATE (valid_until, version) ON pricing.tax_rate TO pricing_app;
GRANT UPDATE (valid_until) ON pricing.price TO pricing_app;
