-- One reservation a transaction, as one would write it without batching: all wait for one row.
BEGIN;
UPDATE bench.balance SET quantity = quantity - 1, version = version + 1 WHERE id = 1;
INSERT INTO bench.entry (balance_id, payload) VALUES (1, repeat('m', 120));
INSERT INTO bench.entry (balance_id, payload) VALUES (1, repeat('r', 200));
INSERT INTO bench.entry (balance_id, payload) VALUES (1, repeat('o', 600));
COMMIT;
