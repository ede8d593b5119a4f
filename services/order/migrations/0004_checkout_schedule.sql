-- How often a checkout was asked to go on since it last did: its schedule follows from it. The
-- binary before it neither reads nor writes the column; resume_time is not written any more.

ALTER TABLE orders.checkout ADD COLUMN attempts bigint NOT NULL DEFAULT 0;

CREATE INDEX checkout_stalled ON orders.checkout (create_time) WHERE is_live AND attempts > 0;
