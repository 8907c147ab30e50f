-- Counters and histograms of each task, and the ids of jobs that ended: collected while a function runs, and written once
-- at its end.
local counters, recently_ended

local function record_recent(id) recently_ended[#recently_ended + 1] = id end

local function count(task, name, amount)
  if not task or task == '' then task = 'unknown' end
  local of_task = counters[task]
  if not of_task then
    of_task = {}
    counters[task] = of_task
  end
  of_task[name] = (of_task[name] or 0) + (amount or 1)
end

-- The names of a histogram's fields, put together once.
local histograms = {}

local function histogram(name)
  local fields = {us = name .. ':us', inf = name .. ':inf'}
  for number, bound in ipairs(BUCKETS_MS) do fields[number] = name .. ':' .. bound end
  histograms[name] = fields
  return fields
end

local function observe(task, name, seconds)
  local fields, ms, number = histograms[name] or histogram(name), math.max(0, seconds * 1000), 1
  while BUCKETS_MS[number] and ms > BUCKETS_MS[number] do number = number + 1 end
  count(task, fields[number] or fields.inf)
  count(task, fields.us, math.floor(ms * 1000 + 0.5))
end

local function write_metrics()
  if #recently_ended > 0 then
    local kept = redis.call('LPUSH', recent_key, unpack(recently_ended))
    if kept > RECENT_TRIMMED_FROM then redis.call('LTRIM', recent_key, '0', RECENT_LAST) end
  end
  for task, of_task in pairs(counters) do
    local key = metrics_key(task)
    for name, amount in pairs(of_task) do
      -- A counter that is no number any more must not end what it counts: it starts anew.
      if type(redis.pcall('HINCRBY', key, name, amount)) == 'table' then redis.pcall('HSET', key, name, amount) end
    end
  end
end
