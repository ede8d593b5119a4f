-- Templates, and the log of what was said to whom. New tables: every binary runs across it.

CREATE TABLE platform.template (
    kind text NOT NULL,
    locale text NOT NULL,
    subject text NOT NULL,
    text text NOT NULL,
    html text NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    PRIMARY KEY (kind, locale)
);

-- `cause_id` is the command's or derives from the event: the same cause is the same delivery. A
-- round begins with each retry by hand. recipient is NULL once the personal data was erased.
CREATE TABLE platform.delivery (
    id uuid PRIMARY KEY,
    cause_id uuid NOT NULL CONSTRAINT delivery_cause_unique UNIQUE,
    kind text NOT NULL,
    channel text NOT NULL CHECK (channel IN ('email', 'webhook')),
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'sent', 'failed')),
    round bigint NOT NULL DEFAULT 1,
    version bigint NOT NULL DEFAULT 0,
    sender text NOT NULL,
    recipient text,
    locale text NOT NULL,
    subject text NOT NULL,
    body text NOT NULL,
    html text NOT NULL,
    subject_id uuid,
    attempts bigint NOT NULL DEFAULT 0,
    last_error text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    sent_at timestamptz
);
CREATE INDEX delivery_by_subject ON platform.delivery (subject_id, id) WHERE subject_id IS NOT NULL;
CREATE INDEX delivery_by_state ON platform.delivery (state, id) WHERE state <> 'sent';
CREATE INDEX delivery_to_erase ON platform.delivery (created_at)
    WHERE recipient IS NOT NULL AND state <> 'pending';

INSERT INTO platform.template (kind, locale, subject, text, html) VALUES
('order_placed', 'en', E'Your order {{order_number}}',
 E'Hello{{#recipient_name}} {{recipient_name}}{{/recipient_name}},\n\n'
  'thank you for your order {{order_number}}.\n\n'
  '{{#items}}{{quantity}} x {{name}} ({{sku}})  {{total}}\n{{/items}}\n\n'
  'Total: {{total}}\n\nKind regards{{#store_name}}\n{{store_name}}{{/store_name}}\n',
 E'<p>Hello{{#recipient_name}} {{recipient_name}}{{/recipient_name}},</p>'
  '<p>thank you for your order {{order_number}}.</p><table>'
  '{{#items}}<tr><td>{{quantity}} x {{name}}</td><td align="right">{{total}}</td></tr>'
  '{{/items}}</table><p>Total: {{total}}</p>'
  '<p>Kind regards{{#store_name}}<br>{{store_name}}{{/store_name}}</p>'),
('order_placed', 'de', E'Ihre Bestellung {{order_number}}',
 E'Guten Tag{{#recipient_name}} {{recipient_name}}{{/recipient_name}},\n\n'
  'vielen Dank für Ihre Bestellung {{order_number}}.\n\n'
  '{{#items}}{{quantity}} x {{name}} ({{sku}})  {{total}}\n{{/items}}\n\n'
  'Summe: {{total}}\n\nFreundliche Grüße{{#store_name}}\n{{store_name}}{{/store_name}}\n',
 E'<p>Guten Tag{{#recipient_name}} {{recipient_name}}{{/recipient_name}},</p>'
  '<p>vielen Dank für Ihre Bestellung {{order_number}}.</p><table>'
  '{{#items}}<tr><td>{{quantity}} x {{name}}</td><td align="right">{{total}}</td></tr>'
  '{{/items}}</table><p>Summe: {{total}}</p>'
  '<p>Freundliche Grüße{{#store_name}}<br>{{store_name}}{{/store_name}}</p>'),
('order_cancelled', 'en', E'Your order {{order_number}} was cancelled',
 E'Hello{{#recipient_name}} {{recipient_name}}{{/recipient_name}},\n\n'
  'your order {{order_number}} over {{total}} was cancelled.{{#cancel_reason}} Reason: '
  '{{cancel_reason}}.{{/cancel_reason}}\n\n'
  'What you have paid is on its way back to you.\n\n'
  'Kind regards{{#store_name}}\n{{store_name}}{{/store_name}}\n',
 E'<p>Hello{{#recipient_name}} {{recipient_name}}{{/recipient_name}},</p>'
  '<p>your order {{order_number}} over {{total}} was cancelled.{{#cancel_reason}} '
  'Reason: {{cancel_reason}}.{{/cancel_reason}}</p>'
  '<p>What you have paid is on its way back to you.</p>'
  '<p>Kind regards{{#store_name}}<br>{{store_name}}{{/store_name}}</p>'),
('order_cancelled', 'de', E'Ihre Bestellung {{order_number}} wurde storniert',
 E'Guten Tag{{#recipient_name}} {{recipient_name}}{{/recipient_name}},\n\n'
  'Ihre Bestellung {{order_number}} über {{total}} wurde storniert.{{#cancel_reason}} '
  'Grund: {{cancel_reason}}.{{/cancel_reason}}\n\n'
  'Was Sie bezahlt haben, ist auf dem Weg zurück zu Ihnen.\n\n'
  'Freundliche Grüße{{#store_name}}\n{{store_name}}{{/store_name}}\n',
 E'<p>Guten Tag{{#recipient_name}} {{recipient_name}}{{/recipient_name}},</p>'
  '<p>Ihre Bestellung {{order_number}} über {{total}} wurde '
  'storniert.{{#cancel_reason}} Grund: {{cancel_reason}}.{{/cancel_reason}}</p>'
  '<p>Was Sie bezahlt haben, ist auf dem Weg zurück zu Ihnen.</p>'
  '<p>Freundliche Grüße{{#store_name}}<br>{{store_name}}{{/store_name}}</p>'),
('order_shipped', 'en', E'Your order {{order_number}} is on its way',
 E'Hello{{#recipient_name}} {{recipient_name}}{{/recipient_name}},\n\n'
  'your order {{order_number}} is on its way.{{#tracking_number}} Tracking number: '
  '{{tracking_number}}.{{/tracking_number}}\n\n'
  '{{#items}}{{quantity}} x {{name}} ({{sku}})  {{total}}\n{{/items}}\n\n'
  'Kind regards{{#store_name}}\n{{store_name}}{{/store_name}}\n',
 E'<p>Hello{{#recipient_name}} {{recipient_name}}{{/recipient_name}},</p>'
  '<p>your order {{order_number}} is on its way.{{#tracking_number}} Tracking number: '
  '{{tracking_number}}.{{/tracking_number}}</p><table>'
  '{{#items}}<tr><td>{{quantity}} x {{name}}</td><td align="right">{{total}}</td></tr>'
  '{{/items}}</table><p>Kind regards{{#store_name}}<br>{{store_name}}{{/store_name}}</p>'),
('order_shipped', 'de', E'Ihre Bestellung {{order_number}} ist unterwegs',
 E'Guten Tag{{#recipient_name}} {{recipient_name}}{{/recipient_name}},\n\n'
  'Ihre Bestellung {{order_number}} ist unterwegs.{{#tracking_number}} Sendungsnummer: '
  '{{tracking_number}}.{{/tracking_number}}\n\n'
  '{{#items}}{{quantity}} x {{name}} ({{sku}})  {{total}}\n{{/items}}\n\n'
  'Freundliche Grüße{{#store_name}}\n{{store_name}}{{/store_name}}\n',
 E'<p>Guten Tag{{#recipient_name}} {{recipient_name}}{{/recipient_name}},</p>'
  '<p>Ihre Bestellung {{order_number}} ist unterwegs.{{#tracking_number}} '
  'Sendungsnummer: {{tracking_number}}.{{/tracking_number}}</p><table>'
  '{{#items}}<tr><td>{{quantity}} x {{name}}</td><td align="right">{{total}}</td></tr>'
  '{{/items}}</table>'
  '<p>Freundliche Grüße{{#store_name}}<br>{{store_name}}{{/store_name}}</p>'),
('cart_recovery', 'en', E'You left something in your cart',
 E'Hello{{#recipient_name}} {{recipient_name}}{{/recipient_name}},\n\n'
  'your cart is waiting for you.{{#cart_url}} Go on where you left: '
  '{{cart_url}}{{/cart_url}}\n\n'
  '{{#items}}{{quantity}} x {{name}} ({{sku}})  {{total}}\n{{/items}}\n\n'
  'Kind regards{{#store_name}}\n{{store_name}}{{/store_name}}\n',
 E'<p>Hello{{#recipient_name}} {{recipient_name}}{{/recipient_name}},</p>'
  '<p>your cart is waiting for you.{{#cart_url}} Go on where you left: '
  '{{cart_url}}{{/cart_url}}</p><table>'
  '{{#items}}<tr><td>{{quantity}} x {{name}}</td><td align="right">{{total}}</td></tr>'
  '{{/items}}</table><p>Kind regards{{#store_name}}<br>{{store_name}}{{/store_name}}</p>'),
('cart_recovery', 'de', E'Sie haben noch etwas im Warenkorb',
 E'Guten Tag{{#recipient_name}} {{recipient_name}}{{/recipient_name}},\n\n'
  'Ihr Warenkorb wartet auf Sie.{{#cart_url}} Hier geht es weiter: '
  '{{cart_url}}{{/cart_url}}\n\n'
  '{{#items}}{{quantity}} x {{name}} ({{sku}})  {{total}}\n{{/items}}\n\n'
  'Freundliche Grüße{{#store_name}}\n{{store_name}}{{/store_name}}\n',
 E'<p>Guten Tag{{#recipient_name}} {{recipient_name}}{{/recipient_name}},</p>'
  '<p>Ihr Warenkorb wartet auf Sie.{{#cart_url}} Hier geht es weiter: '
  '{{cart_url}}{{/cart_url}}</p><table>'
  '{{#items}}<tr><td>{{quantity}} x {{name}}</td><td align="right">{{total}}</td></tr>'
  '{{/items}}</table>'
  '<p>Freundliche Grüße{{#store_name}}<br>{{store_name}}{{/store_name}}</p>'),
('payment_failed', 'en', E'We could not collect the payment for order {{order_number}}',
 E'Hello{{#recipient_name}} {{recipient_name}}{{/recipient_name}},\n\n'
  'we could not collect the payment of {{total}} for your order {{order_number}}. '
  'Please choose another way to pay.\n\n'
  'Kind regards{{#store_name}}\n{{store_name}}{{/store_name}}\n',
 E'<p>Hello{{#recipient_name}} {{recipient_name}}{{/recipient_name}},</p>'
  '<p>we could not collect the payment of {{total}} for your order {{order_number}}. '
  'Please choose another way to pay.</p>'
  '<p>Kind regards{{#store_name}}<br>{{store_name}}{{/store_name}}</p>'),
('payment_failed', 'de', E'Die Zahlung für Bestellung {{order_number}} ist fehlgeschlagen',
 E'Guten Tag{{#recipient_name}} {{recipient_name}}{{/recipient_name}},\n\n'
  'wir konnten {{total}} für Ihre Bestellung {{order_number}} nicht einziehen. Bitte '
  'wählen Sie eine andere Zahlungsart.\n\n'
  'Freundliche Grüße{{#store_name}}\n{{store_name}}{{/store_name}}\n',
 E'<p>Guten Tag{{#recipient_name}} {{recipient_name}}{{/recipient_name}},</p>'
  '<p>wir konnten {{total}} für Ihre Bestellung {{order_number}} nicht einziehen. Bitte '
  'wählen Sie eine andere Zahlungsart.</p>'
  '<p>Freundliche Grüße{{#store_name}}<br>{{store_name}}{{/store_name}}</p>'),
('stock_low', 'en', E'Low stock: {{available}} left',
 E'Stock item {{stock_item_id}} in warehouse {{warehouse_id}}: {{available}} available, '
  'the threshold is {{low_threshold}}.\n',
 E''),
('stock_low', 'de', E'Niedriger Bestand: noch {{available}}',
 E'Artikel {{stock_item_id}} in Lager {{warehouse_id}}: {{available}} verfügbar, die '
  'Schwelle ist {{low_threshold}}.\n',
 E'');

GRANT SELECT, INSERT, UPDATE ON platform.template, platform.delivery TO platform_app;
