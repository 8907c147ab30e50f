-- Start jobs that were prefetched. Returns for each 1, or 0 where its lease was lost.
local function mark_started(worker, now, rq_now, shown, short, jobs)
  local times, answers = times_of(worker, now, rq_now), {}
  for number, prefetched in ipairs(jobs) do
    local job = read(prefetched.id)
    local held = job.status == STARTED and job.execution == prefetched.execution
    if held then
      start({job}, worker, prefetched.execution, times)
      if number == 1 then show_busy(worker, shown, short == '1', job, prefetched.execution, times) end
    end
    answers[number] = held and 1 or 0
  end
  return answers
end
