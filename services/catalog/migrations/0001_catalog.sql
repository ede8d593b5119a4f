-- Products, variants, publications, categories and imports. Any binary may run across it: it is the
-- first.

CREATE TABLE catalog.product (
    id uuid PRIMARY KEY,
    handle text NOT NULL CONSTRAINT product_handle_unique UNIQUE CHECK (handle <> ''),
    version bigint NOT NULL CHECK (version >= 1),
    vendor text NOT NULL,
    product_type text NOT NULL,
    tags text[] NOT NULL,
    tax_category_code text NOT NULL,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL
);

-- The nil store is the default store. Slugs compare by bytes: a range finds the suffixes in use.
CREATE TABLE catalog.product_text (
    product_id uuid NOT NULL REFERENCES catalog.product,
    store_id uuid NOT NULL,
    locale text COLLATE "C" NOT NULL,
    slug text COLLATE "C" NOT NULL CHECK (slug <> ''),
    position bigint NOT NULL,
    name text NOT NULL,
    description_html text NOT NULL,
    seo_title text NOT NULL,
    seo_description text NOT NULL,
    PRIMARY KEY (product_id, store_id, locale),
    CONSTRAINT product_text_slug_unique UNIQUE (store_id, locale, slug)
);

CREATE TABLE catalog.product_option (
    product_id uuid NOT NULL REFERENCES catalog.product,
    position bigint NOT NULL,
    name text NOT NULL,
    option_values text[] NOT NULL,
    PRIMARY KEY (product_id, position)
);

-- The constraint may be deferred so that one statement can swap the SKUs of two variants.
CREATE TABLE catalog.variant (
    id uuid PRIMARY KEY,
    product_id uuid NOT NULL REFERENCES catalog.product,
    sku text NOT NULL CONSTRAINT variant_sku_unique UNIQUE DEFERRABLE INITIALLY IMMEDIATE
        CHECK (sku <> ''),
    version bigint NOT NULL CHECK (version >= 1),
    position bigint NOT NULL,
    option_values text[] NOT NULL,
    barcode text NOT NULL,
    weight_grams bigint NOT NULL CHECK (weight_grams >= 0),
    tax_category_code text NOT NULL,
    image_url text NOT NULL
);
CREATE INDEX variant_by_product ON catalog.variant (product_id, position);

CREATE TABLE catalog.product_image (
    product_id uuid NOT NULL REFERENCES catalog.product,
    position bigint NOT NULL,
    url text NOT NULL,
    alt_text text NOT NULL,
    PRIMARY KEY (product_id, position)
);

-- Published now: state 2 and publish_time not after the clock. A channel without a row is a draft.
CREATE TABLE catalog.publication (
    channel_id uuid NOT NULL,
    product_id uuid NOT NULL REFERENCES catalog.product,
    state bigint NOT NULL CHECK (state IN (1, 2)),
    publish_time timestamptz,
    PRIMARY KEY (channel_id, product_id),
    CHECK (state <> 2 OR publish_time IS NOT NULL)
);
CREATE INDEX publication_by_product ON catalog.publication (product_id);
CREATE INDEX publication_boundary ON catalog.publication (channel_id, publish_time)
    WHERE state = 2;

-- `path` holds the ids from the root down to the category itself.
CREATE TABLE catalog.category (
    id uuid PRIMARY KEY,
    parent_id uuid REFERENCES catalog.category,
    code text NOT NULL CONSTRAINT category_code_unique UNIQUE CHECK (code <> ''),
    position bigint NOT NULL,
    version bigint NOT NULL CHECK (version >= 1),
    path uuid[] NOT NULL,
    CHECK (cardinality(path) BETWEEN 1 AND 16),
    CHECK (path[cardinality(path)] = id)
);
CREATE INDEX category_by_ancestor ON catalog.category USING gin (path);

CREATE TABLE catalog.category_text (
    category_id uuid NOT NULL REFERENCES catalog.category,
    locale text COLLATE "C" NOT NULL,
    slug text COLLATE "C" NOT NULL CHECK (slug <> ''),
    position bigint NOT NULL,
    name text NOT NULL,
    PRIMARY KEY (category_id, locale),
    CONSTRAINT category_text_slug_unique UNIQUE (locale, slug)
);

CREATE TABLE catalog.product_category (
    product_id uuid NOT NULL REFERENCES catalog.product,
    category_id uuid NOT NULL REFERENCES catalog.category,
    position bigint NOT NULL,
    PRIMARY KEY (product_id, category_id)
);
CREATE INDEX product_category_page ON catalog.product_category (category_id, product_id);

-- States are those of catalog.v1.ImportState. `epoch` counts the leases: what an older runner still
-- sends is refused.
CREATE TABLE catalog.import (
    id uuid PRIMARY KEY,
    state bigint NOT NULL CHECK (state BETWEEN 1 AND 5),
    channel_id uuid NOT NULL,
    price_list_id uuid NOT NULL,
    warehouse_id uuid NOT NULL,
    locale text NOT NULL,
    tax_category_code text NOT NULL,
    file_name text NOT NULL,
    chunk_count bigint NOT NULL DEFAULT 0,
    bytes_read bigint NOT NULL DEFAULT 0,
    rows_read bigint NOT NULL DEFAULT 0,
    rows_refused bigint NOT NULL DEFAULT 0,
    products_created bigint NOT NULL DEFAULT 0,
    products_updated bigint NOT NULL DEFAULT 0,
    products_unchanged bigint NOT NULL DEFAULT 0,
    products_refused bigint NOT NULL DEFAULT 0,
    prices_changed bigint NOT NULL DEFAULT 0,
    stock_changed bigint NOT NULL DEFAULT 0,
    ignored_columns text[] NOT NULL DEFAULT '{}',
    failure text NOT NULL DEFAULT '',
    create_time timestamptz NOT NULL DEFAULT clock_timestamp(),
    update_time timestamptz NOT NULL DEFAULT clock_timestamp(),
    finish_time timestamptz,
    is_purged boolean NOT NULL DEFAULT false,
    runner text NOT NULL DEFAULT '',
    epoch bigint NOT NULL DEFAULT 0,
    lease_until timestamptz,
    runner_state bytea NOT NULL DEFAULT ''
);
CREATE INDEX import_waiting ON catalog.import (id) WHERE state IN (2, 3);
CREATE INDEX import_unpurged ON catalog.import (update_time) WHERE NOT is_purged;

CREATE TABLE catalog.import_chunk (
    import_id uuid NOT NULL REFERENCES catalog.import,
    number bigint NOT NULL,
    data bytea NOT NULL,
    PRIMARY KEY (import_id, number)
);

CREATE TABLE catalog.import_error (
    import_id uuid NOT NULL REFERENCES catalog.import,
    line_number bigint NOT NULL,
    reason text COLLATE "C" NOT NULL,
    column_name text COLLATE "C" NOT NULL,
    value text NOT NULL,
    detail text NOT NULL,
    handle text NOT NULL,
    PRIMARY KEY (import_id, line_number, reason, column_name)
);

GRANT SELECT, INSERT, UPDATE ON catalog.product, catalog.publication, catalog.category,
    catalog.import TO catalog_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON catalog.variant, catalog.import_chunk TO catalog_app;
GRANT SELECT, INSERT, DELETE ON catalog.product_text, catalog.product_option,
    catalog.product_image, catalog.product_category, catalog.category_text TO catalog_app;
GRANT SELECT, INSERT ON catalog.import_error TO catalog_app;
