-- How long published and consumed rows stay. The outbox is the relay's repair window; the inbox
-- outlives the topics' retention, so that no record can come back as new.
INSERT INTO {schema}.partition_policy (table_name, keep_days) VALUES ('outbox', 7), ('inbox', 35);
