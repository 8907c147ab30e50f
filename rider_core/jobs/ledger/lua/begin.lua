-- Start jobs that were leased ahead.
-- args: worker, now, now as RQ writes it, what RQ's record of the worker shows, whether they are short ('1'), then for
--       each job: id, execution.
-- Returns for each 1, or 0 where its lease was lost.
local function begin(args)
  local times, answers = times_of(args[1], args[2], args[3]), {}
  for at = 6, #args, 2 do
    local job, execution = read(args[at]), args[at + 1]
    local mine = job.status == STARTED and job.execution == execution
    if mine then
      start({job}, args[1], execution, times)
      if at == 6 then at_work(args[1], args[4], args[5] == '1', job, execution, times) end
    end
    answers[#answers + 1] = mine and 1 or 0
  end
  return answers
end
