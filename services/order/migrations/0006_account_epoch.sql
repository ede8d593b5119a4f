-- One number that moves with every change of an account: checkouts share the accounts in memory as
-- long as it stands. Binaries before do not move it: stop them first.
CREATE TABLE orders.account_epoch (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    epoch bigint NOT NULL
);
INSERT INTO orders.account_epoch (epoch) VALUES (1);

GRANT SELECT, UPDATE (epoch) ON orders.account_epoch TO order_app;
