-- The operations of the store; redis_table.lua, which comes before it, says what is kept where.

-- Return all of a job: its fields, its files' fields, its sequence and its position.
local function read_job(id)
  local fields = call('HGETALL', P .. 'job:' .. id)
  if #fields == 0 then return false end
  return {
    fields, call('HGETALL', P .. 'file:' .. id), call('LLEN', P .. 'log:' .. id),
    call('ZRANK', P .. 'queued', id),
  }
end

local operations = {}

function operations.create(id, owner, key, digest, request, bare, files, files_count, ttl, webhook, most)
  local known = call('EXISTS', P .. 'job:' .. id) == 1 and id
  if not known and key ~= '' then known = call('HGET', P .. 'keys:' .. owner, key) end
  if known then
    if get(known, 'digest') ~= digest then return {'reused', false} end
    return {'', read_job(known)}
  end
  local unfinished = number(call('HGET', P .. 'owner:' .. owner, 'unfinished'))
  if unfinished >= number(most) then return {'too many', unfinished} end
  local job_number = call('HINCRBY', P .. 'figures', 'number', 1)
  call(
    'HSET', P .. 'job:' .. id, 'id', id, 'number', job_number, 'owner', owner, 'key', key, 'digest', digest,
    'request', request, 'files', files, 'files_count', files_count, 'ttl', ttl, 'webhook', webhook,
    'state', 'queued', 'created', now, 'open', files_count
  )
  if bare ~= '' then call('HSET', P .. 'job:' .. id, 'bare', bare) end
  if key ~= '' then call('HSET', P .. 'keys:' .. owner, key, id) end
  call('ZADD', P .. 'list:' .. owner, job_number, id)
  call('ZADD', P .. 'unfinished', now, id)
  call('ZADD', P .. 'queued', job_number, id)
  call('HINCRBY', P .. 'owner:' .. owner, 'unfinished', 1)
  count('jobs:queued', 1)
  log(id, 0)
  local tasks = {}
  for file = 0, number(files_count) - 1 do tasks[#tasks + 1] = {PLAN, file, 1} end
  push(id, tasks)
  return {'', read_job(id)}
end

operations.get = read_job

function operations.jobs(owner, limit, ...)
  local wanted, jobs, at = {}, {}, 0
  for _, state in ipairs({...}) do wanted[state] = true end
  while true do
    local ids = call('ZREVRANGE', P .. 'list:' .. owner, at, at + CHUNK - 1)
    for _, id in ipairs(ids) do
      if #jobs >= number(limit) then return jobs end
      if next(wanted) == nil or wanted[get(id, 'state')] then jobs[#jobs + 1] = read_job(id) end
    end
    if #ids < CHUNK then return jobs end
    at = at + CHUNK
  end
end

-- Return a page's place, its record and its problem as `pages` does.
local function told_page(id, place, page)
  return place, page.record, page.state == FAILED and call('HGET', P .. 'problems:' .. id, place) or ''
end

function operations.page(id, file, number_)
  local record = page_of(id, number(file), number(number_))
  if record.state == 0 then return false end
  return {told_page(id, number(file) * FILE + number(number_), record)}
end

-- Look through a part of the log; return where the next part begins, or nothing at the end, and the pages.
function operations.pages(id, after, limit)
  local entries = call('LRANGE', P .. 'log:' .. id, after, after + CHUNK - 1)
  local found = {}
  for at, entry in ipairs(entries) do
    local place, sequence = tonumber(entry), after + at
    if place > 0 then
      local file, page = math.floor(place / FILE), place % FILE
      local record = page_of(id, file, page)
      if record.sequence == sequence then
        for _, value in ipairs({told_page(id, place, record)}) do found[#found + 1] = value end
        if #found >= 3 * number(limit) then return {false, found} end
      end
    end
  end
  return {#entries == CHUNK and after + CHUNK, found}
end

-- Keep the request of a job without its password, which nobody needs without the files.
local function forget_secrets(id)
  local bare = get(id, 'bare')
  if not bare then return end
  call('HDEL', P .. 'job:' .. id, 'bare')
  call('HSET', P .. 'job:' .. id, 'request', bare)
end

function operations.cancel(id)
  local state = get(id, 'state')
  if state ~= 'queued' and state ~= 'running' then return 0 end
  drop_tasks(id)
  end_job(id, 'cancelled', '')
  forget_secrets(id)
  return 1
end

-- What frees memory begins with deleting: after that Redis lets a script write even where memory is short.
function operations.expire(id)
  local job = call('HMGET', P .. 'job:' .. id, 'state', 'files_count')
  if not job[1] or job[1] == 'queued' or job[1] == 'running' or job[1] == 'expired' then return end
  local sequence = call('LLEN', P .. 'log:' .. id) + 1
  call('ZREM', P .. 'finished', id)
  call('DEL', P .. 'log:' .. id, P .. 'problems:' .. id)
  for file = 0, number(job[2]) - 1 do call('DEL', P .. 'pages:' .. id .. ':' .. file) end
  drop_tasks(id)
  call('HSET', P .. 'job:' .. id, 'state', 'expired', 'sequence', sequence)
  forget_secrets(id)
  call('ZADD', P .. 'expired', now, id)
  count('jobs:' .. job[1], -1)
  count('jobs:expired', 1)
end

function operations.due(moment)
  return call('ZRANGEBYSCORE', P .. 'finished', '-inf', moment, 'LIMIT', 0, 100)
end

function operations.forget(before)
  local ids = call('ZRANGEBYSCORE', P .. 'expired', '-inf', '(' .. before, 'LIMIT', 0, 100)
  for _, id in ipairs(ids) do
    local job = call('HMGET', P .. 'job:' .. id, 'owner', 'key')
    call('ZREM', P .. 'expired', id)
    call('DEL', P .. 'job:' .. id, P .. 'file:' .. id)
    call('ZREM', P .. 'list:' .. job[1], id)
    if job[2] ~= '' then call('HDEL', P .. 'keys:' .. job[1], job[2]) end
    if call('EXISTS', P .. 'list:' .. job[1]) == 0 then call('DEL', P .. 'owner:' .. job[1]) end
    count('jobs:expired', -1)
  end
  return #ids
end

function operations.take(lease, worker)
  wake_delayed()
  local owner = call('ZRANGE', P .. 'owners', 0, 0)[1]
  if not owner then return false end
  local ready, flow_key = P .. 'ready:' .. owner, P .. 'owner:' .. owner
  local member = call('ZRANGE', ready, 0, 0)[1]
  local id = member:sub(17)
  local task = cmsgpack.unpack(call('LPOP', P .. 'tasks:' .. id))
  local pages = {}
  for at = 4, #task do pages[at - 3] = task[at] end
  local job = call('HMGET', P .. 'job:' .. id, 'request', 'tag', 'state')
  count('waiting', -1)

  local cost = math.max(1, #pages)
  local flow = call('HMGET', flow_key, 'tag', 'virtual')
  local virtual, owner_tag = serve(number(call('HGET', P .. 'figures', 'virtual')), number(flow[1]), cost)
  local owner_virtual, tag = serve(number(flow[2]), number(job[2]), cost)
  call('HSET', P .. 'figures', 'virtual', virtual)
  call('HSET', flow_key, 'tag', owner_tag, 'virtual', owner_virtual)
  call('HSET', P .. 'job:' .. id, 'tag', tag)
  if call('EXISTS', P .. 'tasks:' .. id) == 1 then
    call('ZADD', ready, tag, member)
  else
    call('ZREM', ready, member)
  end
  if call('EXISTS', ready) == 1 then
    call('ZADD', P .. 'owners', owner_tag, owner)
  else
    call('ZREM', P .. 'owners', owner)
  end

  if job[3] == 'queued' then
    call('HSET', P .. 'job:' .. id, 'state', 'running', 'started', now)
    call('ZREM', P .. 'queued', id)
    count('jobs:queued', -1)
    count('jobs:running', 1)
    log(id, 0)
  end
  call(
    'HSET', P .. 'lease:' .. lease, 'job', id, 'kind', task[1], 'file', task[2], 'attempt', task[3],
    'pages', cmsgpack.pack(pages), 'worker', worker
  )
  call('HSET', P .. 'beats', lease, 0)
  call('SADD', P .. 'held:' .. id, lease)
  return {id, task[1], task[2], task[3], pages, job[1], owner}
end

function operations.beat(lease)
  if call('HEXISTS', P .. 'beats', lease) == 0 then return 0 end
  call('HINCRBY', P .. 'beats', lease, 1)
  return 1
end

function operations.beats()
  return call('HGETALL', P .. 'beats')
end

-- Plan a file: `packed` is the list of tasks as JSON, `largest` the highest number of a page, 0 without pages.
function operations.plan(lease, packed, largest)
  local task = held(lease)
  if not task or task.kind ~= PLAN then return 0 end
  local key, log_key = P .. 'job:' .. task.job, P .. 'log:' .. task.job
  local records, changes, tasks, total = {}, {}, cjson.decode(packed), 0
  for page = 1, number(largest) do records[page] = string.rep('\0', PAGE_SIZE) end
  local sequence = log(task.job, 0)
  for at, pages in ipairs(tasks) do
    tasks[at] = packable(READ, task.file, 1, pages)
    for _, page in ipairs(pages) do
      total = total + 1
      records[page] = struct.pack(PAGE, QUEUED, 0, sequence + total, 0)
      changes[#changes + 1] = task.file * FILE + page
      if #changes == CHUNK then
        call('RPUSH', log_key, unpack(changes))
        changes = {}
      end
    end
  end
  if #changes > 0 then call('RPUSH', log_key, unpack(changes)) end
  if total > 0 then call('SET', P .. 'pages:' .. task.job .. ':' .. task.file, table.concat(records)) end
  call('HSET', P .. 'file:' .. task.job, task.file, total)
  call('HINCRBY', key, 'files_planned', 1)
  call('HINCRBY', key, 'p1', total)
  count('p1', total)
  call('HINCRBY', key, 'open', #tasks)
  push(task.job, tasks)
  end_task(task)
  return 1
end

local function position(list, value)
  for at, other in ipairs(list) do
    if other == value then return at end
  end
end

function operations.begin_page(lease, page)
  local task = held(lease)
  if not task or task.kind ~= READ then return 0 end
  page = number(page)
  local record = page_of(task.job, task.file, page)
  if position(task.pages, page) and record.state == QUEUED then
    set_page(task, page, QUEUED, RUNNING, record.attempts + 1, 0)
    call('HSET', P .. 'lease:' .. lease, 'begun', 1)
  end
  return 1
end

function operations.end_page(lease, page, elapsed, problem)
  local task = held(lease)
  if not task or task.kind ~= READ then return 0 end
  local at = position(task.pages, number(page))
  if at then
    end_page(task, number(page), number(elapsed), problem ~= '' and problem)
    table.remove(task.pages, at)
    call('HSET', P .. 'lease:' .. lease, 'pages', cmsgpack.pack(task.pages), 'begun', 1)
  end
  return 1
end

function operations.finish(lease, problem)
  local task = held(lease)
  if not task or task.kind == PLAN then return 0 end
  if task.kind == ASSEMBLE then
    end_task(task)
    local job = call('HMGET', P .. 'job:' .. task.job, 'p3', 'p4', 'files_failed')
    local state = problem == '' and 'succeeded' or 'partial'
    if number(job[2]) + number(job[3]) > 0 then state = number(job[1]) > 0 and 'partial' or 'failed' end
    end_job(task.job, state, state == 'failed' and first_problem(task.job) or problem)
  elseif #task.pages > 0 then
    lose(task) -- a worker that leaves pages behind is as good as lost
  else
    end_task(task)
  end
  return 1
end

function operations.fail(lease, problem, delay)
  local task = held(lease)
  if not task then return 0 end
  if delay ~= '' and task.attempt < most_attempts(task.kind) then
    requeue_pages(task, true)
    give_back(task, task.attempt + 1, number(delay))
  else
    give_up(task, problem)
  end
  return 1
end

function operations.release(lease)
  local task = held(lease)
  if not task then return 0 end
  requeue_pages(task, false)
  give_back(task, task.attempt, 0)
  return 1
end

function operations.revoke(lease, beat)
  local task = held(lease)
  if not task or call('HGET', P .. 'beats', lease) ~= beat then return 0 end
  count('expired_leases', 1)
  lose(task)
  return 1
end

function operations.counts()
  wake_delayed()
  return {call('HGETALL', P .. 'figures'), call('ZRANGE', P .. 'unfinished', 0, 0, 'WITHSCORES')}
end

return operations[operation](unpack(ARGV, 3))
