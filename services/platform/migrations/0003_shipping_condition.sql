-- Conditions of shipping options. An older binary runs across it: it leaves them as they are,
-- offers its options to every cart, and adds options without.

-- Elements are common.v1.Condition in proto3 JSON.
ALTER TABLE platform.shipping_option
    ADD COLUMN conditions jsonb NOT NULL DEFAULT '[]'
        CONSTRAINT shipping_option_conditions_check CHECK (jsonb_typeof(conditions) = 'array');
