-- The table of jobs in Redis: every operation of the store is one run of this script, hence atomic.
--
-- KEYS[1] is the prefix of all keys, ARGV[1] the operation, ARGV[2] the time (Redis' own where it is empty);
-- the rest belongs to the operation. Before it come constants, which redis_store.py takes from the Python
-- modules: CROWD, MOST_ATTEMPTS, MOST_DELIVERIES, LOST.
--
-- figures             hash: counters of everything (see `counts`), virtual time among owners, number of jobs
-- owners              zset: owners with tasks that are ready, by tag
-- owner:OWNER         hash: tag, virtual time among its jobs, number of unfinished jobs
-- ready:OWNER         zset: its jobs with tasks that are ready, by tag
-- list:OWNER          zset: its jobs by number;  keys:OWNER  hash: job by idempotency key
-- unfinished, queued, finished, expired
--                     zset: jobs by time of creation, by number, by expiry, by when they expired
-- delayed             zset: tasks that wait for a time, by that time
-- beats               hash: number of beats by lease;  lease:LEASE  hash: the task and its state
-- job:JOB             hash: the job;  held:JOB  set: its leases;  file:JOB  hash: pages or problem by file
-- tasks:JOB           list: tasks that are ready, packed
-- pages:JOB:FILE      string: a record of PAGE_SIZE bytes for every page; pages that are not read are zeros
-- log:JOB             list: what changed, one small number per change; its length is the job's sequence
-- problems:JOB        hash: problems of pages that failed

local P, operation = KEYS[1], ARGV[1]
local call = redis.call

local PLAN, READ, ASSEMBLE, NOTIFY = 1, 2, 3, 4
local QUEUED, RUNNING, DONE, FAILED = 1, 2, 3, 4
local PAGE, PAGE_SIZE = '>BBI4I4', 10 -- state, attempts, sequence, microseconds
local FILE = 262144 -- a change of page p of file f is f * FILE + p; of the job itself 0
local CHUNK = 1000 -- values in a command: Lua cannot unpack many more

local now = tonumber(ARGV[2])
if not now then
  local time = call('TIME')
  now = time[1] + time[2] / 1e6
end

local function number(value)
  return tonumber(value) or 0
end

local function count(figure, by)
  if by ~= 0 then call('HINCRBY', P .. 'figures', figure, by) end
end

local function log(id, entry)
  return call('RPUSH', P .. 'log:' .. id, entry)
end

local function get(id, field)
  return call('HGET', P .. 'job:' .. id, field)
end

-- ---- queue --------------------------------------------------------------------------------------------

local function ready_member(id, job_number)
  return string.format('%016d', job_number) .. id -- so that equal tags go by number
end

-- Let a job, and its owner, start at the virtual time if they have had nothing to do.
local function wake(id)
  if call('EXISTS', P .. 'tasks:' .. id) == 1 then return end
  local job = call('HMGET', P .. 'job:' .. id, 'owner', 'number', 'tag')
  local owner = P .. 'owner:' .. job[1]
  local flow = call('HMGET', owner, 'tag', 'virtual')
  if call('EXISTS', P .. 'ready:' .. job[1]) == 0 then
    local tag = math.max(number(flow[1]), number(call('HGET', P .. 'figures', 'virtual')))
    call('HSET', owner, 'tag', tag)
    call('ZADD', P .. 'owners', tag, job[1])
  end
  local tag = math.max(number(job[3]), number(flow[2]))
  call('HSET', P .. 'job:' .. id, 'tag', tag)
  call('ZADD', P .. 'ready:' .. job[1], tag, ready_member(id, job[2]))
end

-- Queue tasks of a job, in their order: behind its others, or before them.
local function push(id, tasks, first)
  if #tasks == 0 then return end
  wake(id)
  local key = P .. 'tasks:' .. id
  if first then
    for at = #tasks, 1, -1 do call('LPUSH', key, cmsgpack.pack(tasks[at])) end
  else
    local packed = {}
    for at, task in ipairs(tasks) do
      packed[#packed + 1] = cmsgpack.pack(task)
      if #packed == CHUNK or at == #tasks then
        call('RPUSH', key, unpack(packed))
        packed = {}
      end
    end
  end
  count('waiting', #tasks)
end

-- A task as it is queued: {kind, file, attempt, pages...}.
local function packable(kind, file, attempt, pages)
  local task = {kind, file, attempt}
  for _, page in ipairs(pages) do task[#task + 1] = page end
  return task
end

local function push_delayed(id, task, delay)
  task[#task + 1] = id
  call('ZADD', P .. 'delayed', now + delay, cmsgpack.pack(task))
  call('HSET', P .. 'figures', 'clock', now)
end

-- Queue the delayed tasks whose time has come.
local function wake_delayed()
  local delayed = P .. 'delayed'
  if call('EXISTS', delayed) == 0 then return end
  local last = number(call('HGET', P .. 'figures', 'clock'))
  if now < last then -- the clock was set back
    local waiting = call('ZRANGE', delayed, 0, -1, 'WITHSCORES')
    for at = 1, #waiting, 2 do
      call('ZADD', delayed, waiting[at + 1] - (last - now), waiting[at])
    end
  end
  if now ~= last then call('HSET', P .. 'figures', 'clock', now) end
  for _, member in ipairs(call('ZRANGEBYSCORE', delayed, '-inf', now, 'LIMIT', 0, CHUNK)) do
    local task = cmsgpack.unpack(member)
    local id = table.remove(task)
    local state = get(id, 'state')
    call('ZREM', delayed, member)
    if state and state ~= 'cancelled' and state ~= 'expired' then push(id, {task}, true) end
  end
end

local function serve(virtual, tag, cost)
  return math.max(virtual + cost / CROWD, tag), tag + cost
end

-- ---- leases -------------------------------------------------------------------------------------------

-- Return the task of a lease that is held; nil without one.
local function held(lease)
  local fields = call('HMGET', P .. 'lease:' .. lease, 'job', 'kind', 'file', 'attempt', 'pages', 'begun')
  if not fields[1] then return nil end
  return {
    lease = lease, job = fields[1], kind = number(fields[2]), file = number(fields[3]),
    attempt = number(fields[4]), pages = cmsgpack.unpack(fields[5]), begun = fields[6] == '1',
  }
end

local function drop_lease(task)
  call('DEL', P .. 'lease:' .. task.lease)
  call('HDEL', P .. 'beats', task.lease)
  call('SREM', P .. 'held:' .. task.job, task.lease)
end

-- ---- pages --------------------------------------------------------------------------------------------

local function page_of(id, file, page)
  local key = P .. 'pages:' .. id .. ':' .. file
  local record = call('GETRANGE', key, (page - 1) * PAGE_SIZE, page * PAGE_SIZE - 1)
  if #record < PAGE_SIZE then record = string.rep('\0', PAGE_SIZE) end
  local state, attempts, sequence = struct.unpack(PAGE, record)
  return {state = state, attempts = attempts, sequence = sequence, record = record}
end

-- Change a page, which is a change of the job.
local function set_page(task, page, before, state, attempts, elapsed)
  local sequence = log(task.job, task.file * FILE + page)
  local key = P .. 'pages:' .. task.job .. ':' .. task.file
  call('SETRANGE', key, (page - 1) * PAGE_SIZE, struct.pack(PAGE, state, attempts, sequence, elapsed))
  if state ~= before then
    call('HINCRBY', P .. 'job:' .. task.job, 'p' .. before, -1)
    call('HINCRBY', P .. 'job:' .. task.job, 'p' .. state, 1)
    count('p' .. before, -1)
    count('p' .. state, 1)
  end
end

-- Return the attempts of the task's pages that are being read, by page, and the pages that wait.
local function unread(task)
  local running, waiting = {}, {}
  for _, page in ipairs(task.pages) do
    local record = page_of(task.job, task.file, page)
    if record.state == RUNNING then running[page] = record.attempts else waiting[#waiting + 1] = page end
  end
  return running, waiting
end

local function requeue_pages(task, counted)
  for page, attempts in pairs((unread(task))) do
    set_page(task, page, RUNNING, QUEUED, counted and attempts or attempts - 1, 0)
  end
end

local function end_page(task, page, elapsed, problem)
  local record = page_of(task.job, task.file, page)
  set_page(task, page, record.state, problem and FAILED or DONE, record.attempts, problem and 0 or elapsed)
  if problem then call('HSET', P .. 'problems:' .. task.job, task.file * FILE + page, problem) end
end

-- ---- ends ---------------------------------------------------------------------------------------------

-- Return why the first file failed or, if all could be opened, the first page.
local function first_problem(id)
  for file = 0, number(get(id, 'files_count')) - 1 do
    local entry = call('HGET', P .. 'file:' .. id, file)
    if entry and entry:sub(1, 1) == '[' then return entry end
  end
  local problems = call('HGETALL', P .. 'problems:' .. id)
  local first, problem = nil, ''
  for at = 1, #problems, 2 do
    local place = tonumber(problems[at])
    if not first or place < first then first, problem = place, problems[at + 1] end
  end
  return problem
end

local function end_job(id, state, problem)
  local key = P .. 'job:' .. id
  local job = call('HMGET', key, 'state', 'owner', 'ttl', 'webhook', 'p1', 'p2', 'p3', 'p4')
  call('ZREM', P .. 'unfinished', id)
  call('ZREM', P .. 'queued', id)
  call('HSET', key, 'state', state, 'finished', now, 'expires', now + job[3], 'problem', problem)
  call('ZADD', P .. 'finished', now + job[3], id)
  call('HINCRBY', P .. 'owner:' .. job[2], 'unfinished', -1)
  count('jobs:' .. job[1], -1)
  count('jobs:' .. state, 1)
  for page_state = 1, 4 do count('p' .. page_state, -number(job[4 + page_state])) end
  log(id, 0)
  if job[4] == '1' and state ~= 'cancelled' then push(id, {{NOTIFY, 0, 1}}) end
end

-- End a task, and let follow what does.
local function end_task(task)
  drop_lease(task)
  if task.kind ~= PLAN and task.kind ~= READ then return end
  if call('HINCRBY', P .. 'job:' .. task.job, 'open', -1) > 0 then return end
  local job = call('HMGET', P .. 'job:' .. task.job, 'files_count', 'files_failed')
  if number(job[2]) >= number(job[1]) then
    end_job(task.job, 'failed', first_problem(task.job))
  else
    push(task.job, {{ASSEMBLE, 0, 1}})
  end
end

local function give_up(task, problem)
  if task.kind == PLAN then
    call('HSET', P .. 'file:' .. task.job, task.file, problem)
    call('HINCRBY', P .. 'job:' .. task.job, 'files_failed', 1)
    log(task.job, 0)
  end
  for _, page in ipairs(task.pages) do end_page(task, page, 0, problem) end
  end_task(task)
  if task.kind == ASSEMBLE then end_job(task.job, 'failed', problem) end
end

local function give_back(task, attempt, delay)
  drop_lease(task)
  if attempt > task.attempt then count('retries', 1) end
  local queued = packable(task.kind, task.file, attempt, task.pages)
  if delay > 0 then push_delayed(task.job, queued, delay) else push(task.job, {queued}, true) end
end

local function most_attempts(kind)
  return kind == NOTIFY and MOST_DELIVERIES or MOST_ATTEMPTS
end

-- Give out again what a lost worker left behind; decisions.py explains what.
local function lose(task)
  if task.kind ~= READ then
    if task.attempt < most_attempts(task.kind) then
      give_back(task, task.attempt + 1, 0)
    else
      give_up(task, LOST)
    end
    return
  end
  local running, waiting = unread(task)
  if #task.pages == 0 then return end_task(task) end
  if not task.begun and next(running) == nil then
    if task.attempt < MOST_ATTEMPTS then give_back(task, task.attempt + 1, 0) else give_up(task, LOST) end
    return
  end
  local again = {}
  for page, attempts in pairs(running) do
    if attempts >= MOST_ATTEMPTS then
      end_page(task, page, 0, LOST)
    else
      set_page(task, page, RUNNING, QUEUED, attempts, 0)
      again[#again + 1] = {READ, task.file, attempts + 1, page}
    end
  end
  if #waiting > 0 then again[#again + 1] = packable(READ, task.file, task.attempt, waiting) end
  table.sort(again, function(one, other) return one[4] < other[4] end)
  call('HINCRBY', P .. 'job:' .. task.job, 'open', #again)
  count('retries', #again)
  push(task.job, again, true)
  end_task(task)
end

-- Take away all that waits, and all leases.
local function drop_tasks(id)
  for _, lease in ipairs(call('SMEMBERS', P .. 'held:' .. id)) do
    local task = held(lease)
    drop_lease(task)
    requeue_pages(task, true)
  end
  local length = call('LLEN', P .. 'tasks:' .. id)
  if length == 0 then return end
  call('DEL', P .. 'tasks:' .. id)
  local job = call('HMGET', P .. 'job:' .. id, 'owner', 'number')
  call('ZREM', P .. 'ready:' .. job[1], ready_member(id, job[2]))
  if call('EXISTS', P .. 'ready:' .. job[1]) == 0 then call('ZREM', P .. 'owners', job[1]) end
  count('waiting', -length)
end
