-- The generic cell rate algorithm: one number per subject, the time at which its bucket is empty
-- again. KEYS[1] the subject; ARGV: microseconds that one request costs, requests at once.
-- Answers 0, or the microseconds after which one more would be let through.
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local cost = tonumber(ARGV[1])
local full = cost * tonumber(ARGV[2])
local empty_at = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now) + cost
if empty_at - now > full then
  return empty_at - now - full
end
redis.call('SET', KEYS[1], string.format('%.0f', empty_at), 'PX',
           math.ceil((empty_at - now) / 1000))
return 0
