-- Counters and histograms of each task, and the ids of the jobs that ended: collected while a function runs, and
-- written once at its end.
local figures, ended

local function remember(id) ended[#ended + 1] = id end

local function count(task, name, amount)
  if not task or task == '' then task = 'unknown' end
  local of_task = figures[task]
  if not of_task then
    of_task = {}
    figures[task] = of_task
  end
  of_task[name] = (of_task[name] or 0) + (amount or 1)
end

local function observe(task, name, seconds)
  local ms, bucket = math.max(0, seconds * 1000), 'inf'
  for _, bound in ipairs(BUCKETS_MS) do
    if ms <= bound then bucket = bound break end
  end
  count(task, name .. ':' .. bucket)
  count(task, name .. ':us', math.floor(ms * 1000 + 0.5))
end

local function write_figures()
  if #ended > 0 then
    local kept = redis.call('LPUSH', 'rider:recent', unpack(ended))
    if kept > RECENT_TRIMMED_FROM then redis.call('LTRIM', 'rider:recent', '0', RECENT_LAST) end
  end
  for task, of_task in pairs(figures) do
    local key = 'rider:figures:' .. task
    for name, amount in pairs(of_task) do redis.call('HINCRBY', key, name, amount) end
  end
end
