-- One number that moves with every change of an account, whoever makes it: checkouts share the
-- accounts in memory as long as it stands.
CREATE TABLE orders.account_epoch (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    epoch bigint NOT NULL
);
INSERT INTO orders.account_epoch (epoch) VALUES (1);

CREATE FUNCTION orders.move_account_epoch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE orders.account_epoch SET epoch = epoch + 1;
    RETURN NULL;
END
$$;

CREATE TRIGGER provider_account_moves_epoch
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON orders.provider_account
    FOR EACH STATEMENT EXECUTE FUNCTION orders.move_account_epoch();

GRANT SELECT, UPDATE (epoch) ON orders.account_epoch TO order_app;
