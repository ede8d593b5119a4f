-- Accounts, sessions, addresses. Any binary may run across it: it is the first.

-- email is as it was given, email_key what is compared (see email.c).
CREATE TABLE customer.account (
    id uuid PRIMARY KEY,
    email text NOT NULL,
    email_key text NOT NULL CONSTRAINT account_email_unique UNIQUE,
    password_hash text NOT NULL,
    given_name text NOT NULL,
    family_name text NOT NULL,
    phone text NOT NULL DEFAULT '',
    locale text NOT NULL,
    customer_group text NOT NULL DEFAULT '',
    accepts_marketing boolean NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- Counted before the password is looked at, so that many guesses at once are counted too. The
-- e-mail is a digest: who mistypes an address leaves none of it here.
CREATE TABLE customer.sign_in_attempt (
    email_digest bytea PRIMARY KEY,
    attempts bigint NOT NULL,
    since timestamptz NOT NULL
);
CREATE INDEX sign_in_attempt_age ON customer.sign_in_attempt (since);

-- A session is a family of refresh tokens, each used once. Ending it removes them all.
CREATE TABLE customer.session (
    id uuid PRIMARY KEY,
    customer_id uuid NOT NULL REFERENCES customer.account ON DELETE CASCADE,
    user_agent text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    used_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX session_by_customer ON customer.session (customer_id, used_at);
CREATE INDEX session_expiry ON customer.session (expires_at);

CREATE TABLE customer.refresh_token (
    digest bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
    session_id uuid NOT NULL REFERENCES customer.session ON DELETE CASCADE,
    used_at timestamptz
);
CREATE INDEX refresh_token_by_session ON customer.refresh_token (session_id);
CREATE INDEX refresh_token_used ON customer.refresh_token (used_at) WHERE used_at IS NOT NULL;

CREATE TABLE customer.address (
    id uuid PRIMARY KEY,
    customer_id uuid NOT NULL REFERENCES customer.account ON DELETE CASCADE,
    full_name text NOT NULL,
    company text NOT NULL,
    line1 text NOT NULL,
    line2 text NOT NULL,
    city text NOT NULL,
    region text NOT NULL,
    postal_code text NOT NULL,
    country_code text NOT NULL CHECK (country_code ~ '^[A-Z]{2}$'),
    phone text NOT NULL,
    is_default_shipping boolean NOT NULL,
    is_default_billing boolean NOT NULL
);
CREATE INDEX address_by_customer ON customer.address (customer_id, id);
CREATE UNIQUE INDEX address_default_shipping ON customer.address (customer_id)
    WHERE is_default_shipping;
CREATE UNIQUE INDEX address_default_billing ON customer.address (customer_id)
    WHERE is_default_billing;

GRANT SELECT, INSERT, UPDATE ON customer.account TO customer_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON customer.sign_in_attempt, customer.session,
    customer.refresh_token, customer.address TO customer_app;
