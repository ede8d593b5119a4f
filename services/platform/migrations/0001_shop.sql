-- Stores, channels, shipping options and API keys. Any binary may run across it: it is the first.

CREATE TABLE platform.store (
    id uuid PRIMARY KEY,
    code text NOT NULL CONSTRAINT store_code_unique UNIQUE,
    name text NOT NULL,
    legal_entity text NOT NULL,
    tax_id text NOT NULL,
    country_code text NOT NULL CHECK (country_code ~ '^[A-Z]{2}$'),
    sender_email text NOT NULL
);

CREATE TABLE platform.channel (
    id uuid PRIMARY KEY,
    store_id uuid NOT NULL REFERENCES platform.store,
    code text NOT NULL CONSTRAINT channel_code_unique UNIQUE,
    name text NOT NULL,
    currency_codes text[] NOT NULL CHECK (cardinality(currency_codes) > 0),
    locales text[] NOT NULL CHECK (cardinality(locales) > 0),
    country_codes text[] NOT NULL CHECK (cardinality(country_codes) > 0),
    prices_include_tax boolean NOT NULL,
    is_active boolean NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    publishable_key text NOT NULL CONSTRAINT channel_key_unique UNIQUE
);

-- Names and prices are pairs of arrays of one length: they are read and written whole.
CREATE TABLE platform.shipping_option (
    id uuid PRIMARY KEY,
    channel_id uuid NOT NULL REFERENCES platform.channel,
    code text NOT NULL,
    name_locales text[] NOT NULL,
    names text[] NOT NULL,
    country_codes text[] NOT NULL,
    price_currencies text[] NOT NULL,
    price_minors bigint[] NOT NULL,
    is_gross boolean NOT NULL,
    home_country_code text NOT NULL,
    tax_category_code text NOT NULL,
    is_active boolean NOT NULL,
    position bigint NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    CONSTRAINT shipping_option_code_unique UNIQUE (channel_id, code),
    CHECK (cardinality(name_locales) = cardinality(names)),
    CHECK (cardinality(price_currencies) = cardinality(price_minors)),
    CHECK (0 <= ALL (price_minors)),
    CHECK (NOT is_gross OR home_country_code <> '')
);

-- The key itself is never here, only its digest.
CREATE TABLE platform.api_key (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    scopes text[] NOT NULL CHECK (cardinality(scopes) > 0),
    digest text NOT NULL CONSTRAINT api_key_digest_unique UNIQUE CHECK (digest ~ '^[0-9a-f]{64}$'),
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
);

GRANT SELECT, INSERT ON platform.store TO platform_app;
GRANT SELECT, INSERT, UPDATE ON platform.channel, platform.shipping_option TO platform_app;
GRANT SELECT, INSERT, UPDATE (revoked_at) ON platform.api_key TO platform_app;
