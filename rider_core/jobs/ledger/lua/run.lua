-- Run a function's body, and then write what it has collected. What an earlier one had collected when it failed is
-- forgotten: nothing of it was written.
local function run(body, args)
  figures, ended, said = {}, {}, {}
  local answer = body(args)
  write_figures()
  write_events()
  return answer
end
