-- Replaces a cart if nobody else did, with its events and its place in the shard, in one step.
--
-- KEYS  cart hash, the shard's event stream, the shard's set of carts by last change
-- ARGV  expected sequence (0: must not exist), new sequence, draft, quote ('' clears it),
--       idempotency key ('' leaves it), time to live in ms, cart id, 1 when it may be abandoned,
--       then for each event: topic, key, headers, payload
-- Answers the sequence that is there now: the new one when it was written.
local current = tonumber(redis.call('HGET', KEYS[1], 's') or '0')
if current ~= tonumber(ARGV[1]) then
  return current
end
redis.call('HSET', KEYS[1], 's', ARGV[2], 'b', ARGV[3])
if ARGV[4] == '' then
  redis.call('HDEL', KEYS[1], 'q')
else
  redis.call('HSET', KEYS[1], 'q', ARGV[4])
end
if ARGV[5] ~= '' then
  redis.call('HSET', KEYS[1], 'k', ARGV[5])
end
redis.call('PEXPIRE', KEYS[1], ARGV[6])
if ARGV[8] == '1' then
  local now = redis.call('TIME')
  redis.call('ZADD', KEYS[3], now[1] * 1000 + math.floor(now[2] / 1000), ARGV[7])
else
  redis.call('ZREM', KEYS[3], ARGV[7])
end
for i = 9, #ARGV, 4 do
  redis.call('XADD', KEYS[2], '*', 'topic', ARGV[i], 'key', ARGV[i + 1], 'headers', ARGV[i + 2],
             'payload', ARGV[i + 3])
end
return tonumber(ARGV[2])
