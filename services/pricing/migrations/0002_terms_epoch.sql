-- One number that moves with every change of a list, a rate or a currency: calculations share
-- these rows in memory as long as it stands. Binaries before do not move it: stop them first.
CREATE TABLE pricing.terms_epoch (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    epoch bigint NOT NULL
);
INSERT INTO pricing.terms_epoch (epoch) VALUES (1);

GRANT SELECT, UPDATE (epoch) ON pricing.terms_epoch TO pricing_app;
