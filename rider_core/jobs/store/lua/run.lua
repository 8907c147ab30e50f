-- Run a function, and then write what it has collected. What an earlier one had collected when it failed is forgotten:
-- nothing of it was written.
local function run(call, args)
  counters, recently_ended, emitted = {}, {}, {}
  local answer = call(args)
  write_metrics()
  write_events()
  return answer
end
