-- The role of whoever checks the books from outside (tests/invariants): it may read what the
-- invariants are about and nothing else, least of all who the customers are. For psql, as
-- superuser, after the services' migrations. Safe to repeat.
--
--   psql -v ON_ERROR_STOP=1 -v role=torg_auditor -v password=... -f auditor.sql
\set ON_ERROR_STOP on

SELECT format('CREATE ROLE %I', :'role')
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \gexec
ALTER ROLE :"role" LOGIN PASSWORD :'password' CONNECTION LIMIT 10;
ALTER ROLE :"role" SET default_transaction_read_only = on;
ALTER ROLE :"role" SET statement_timeout = '120s';
ALTER ROLE :"role" SET idle_in_transaction_session_timeout = '300s';
ALTER ROLE :"role" SET lock_timeout = '5s';
SELECT format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), :'role') \gexec

-- What every service has. A task's payload and what is parked may hold a letter to somebody.
SELECT format('GRANT USAGE ON SCHEMA %1$I TO %2$I', schema, :'role'),
       format('GRANT SELECT ON %1$I.outbox, %1$I.inbox, %1$I.inbox_position TO %2$I', schema,
              :'role'),
       format('GRANT SELECT (id, consumer, topic, part, off, event_id, type, is_dead, reason,'
              ' parked_at) ON %1$I.inbox_parked TO %2$I', schema, :'role'),
       format('GRANT SELECT (id, kind, key, due_at, lease_until, attempts, last_error, failed_at,'
              ' created_at) ON %1$I.task TO %2$I', schema, :'role')
  FROM unnest(ARRAY['catalog', 'pricing', 'inventory', 'marketing', 'orders', 'customer',
                    'platform']) AS schema
 WHERE to_regclass(schema || '.outbox') IS NOT NULL \gexec

-- Rows hold what is sold and paid, and keys of customers as digests or ids.
SELECT format('GRANT SELECT ON %s TO %I', name, :'role')
  FROM unnest(ARRAY['inventory.stock_item', 'inventory.stock_level', 'inventory.outside_balance',
                    'inventory.movement', 'inventory.reservation', 'inventory.reservation_line',
                    'orders.checkout', 'orders.orders', 'orders.order_revision',
                    'orders.order_line', 'orders.fulfillment', 'orders.fulfillment_line',
                    'orders.shipment', 'orders.shipment_line', 'orders.payment_entry',
                    'marketing.promotion', 'marketing.coupon', 'marketing.hold',
                    'marketing.coupon_use', 'catalog.product', 'catalog.variant',
                    'catalog.category', 'pricing.price', 'pricing.price_list',
                    'pricing.tax_rate', 'platform.channel', 'platform.shipping_option']) AS name
 WHERE to_regclass(name) IS NOT NULL \gexec

-- Without names, addresses, letters and card tokens.
SELECT format('GRANT SELECT (%s) ON %s TO %I', columns, name, :'role')
  FROM (VALUES
    ('orders.party', 'order_id'),
    ('orders.payment', 'id, checkout_id, order_id, number, account, provider, capture_policy,'
     ' currency_code, amount_minor, authorized_minor, capture_requested_minor, captured_minor,'
     ' refund_requested_minor, refunded_minor, state, attempt, tries, capture_count, refund_count,'
     ' void_count, is_voiding, is_cancelled, provider_reference, version, create_time,'
     ' update_time'),
    ('customer.account', 'id, customer_group, locale'),
    ('platform.api_key', 'id, revoked_at'),
    ('platform.delivery', 'id, cause_id, kind, channel, state, round, version, subject_id,'
     ' attempts, created_at, sent_at')) AS part (name, columns)
 WHERE to_regclass(name) IS NOT NULL \gexec

SELECT format('GRANT USAGE ON SCHEMA relay TO %I', :'role'),
       format('GRANT SELECT (slot, system_id, end_lsn, updated_at) ON relay.wal_position TO %I',
              :'role'),
       format('GRANT SELECT (id, topic, key, reason, resolution, parked_at) ON relay.parked TO %I',
              :'role')
 WHERE to_regnamespace('relay') IS NOT NULL \gexec
