-- What a refused checkout has to tell whoever asks later. A new column without a value: any binary
-- runs across it.
ALTER TABLE orders.checkout
    ADD COLUMN failure_violations bytea; -- order.v1.Checkout with its failure_violations alone
