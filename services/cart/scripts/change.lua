-- Replaces a cart if nobody else did, with its events and its place in the shard, in one step.
--
-- KEYS  cart hash, the shard's event stream, the shard's set of carts by last change; of a cart
--       that an idempotency key makes: where that key leads
-- ARGV  expected sequence (0: must not exist), new sequence, draft, what its checkout was told (''
--       clears it), idempotency key ('' leaves it), time to live in ms ('' leaves it), cart id,
--       1 when it may be abandoned, the moment since which it must be unchanged ('' for any),
--       then for each event: topic, key, headers, payload
-- Answers 1 when it was written and 0 when not, or what the key made before: cart id and key.
if KEYS[4] then
  local made = redis.call('GET', KEYS[4])
  if made then
    return made
  end
end
local current = tonumber(redis.call('HGET', KEYS[1], 's') or '0')
if current ~= tonumber(ARGV[1]) then
  return 0
end
if ARGV[9] ~= '' then
  local changed = redis.call('ZSCORE', KEYS[3], ARGV[7])
  if not changed or tonumber(changed) > tonumber(ARGV[9]) then
    return 0
  end
end
local fields = {'s', ARGV[2], 'b', ARGV[3]}
if ARGV[4] ~= '' then
  fields[5], fields[6] = 'q', ARGV[4]
elseif current > 0 then
  redis.call('HDEL', KEYS[1], 'q')
end
if ARGV[5] ~= '' then
  fields[#fields + 1], fields[#fields + 2] = 'k', ARGV[5]
end
redis.call('HSET', KEYS[1], unpack(fields))
if ARGV[6] ~= '' then
  redis.call('PEXPIRE', KEYS[1], ARGV[6])
end
if KEYS[4] then
  redis.call('SET', KEYS[4], ARGV[7] .. ARGV[5], 'PX', 86400000)
end
if ARGV[8] == '1' then
  local now = redis.call('TIME')
  redis.call('ZADD', KEYS[3], now[1] * 1000 + math.floor(now[2] / 1000), ARGV[7])
elseif current > 0 then
  redis.call('ZREM', KEYS[3], ARGV[7])
end
for i = 10, #ARGV, 4 do
  redis.call('XADD', KEYS[2], '*', 'topic', ARGV[i], 'key', ARGV[i + 1], 'headers', ARGV[i + 2],
             'payload', ARGV[i + 3])
end
return 1
