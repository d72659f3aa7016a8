-- The ledger of a fleet, as `src/ledger.rs` says it: one atomic step for each verb. Times are milliseconds on the clock of
-- the server. All keys share one hash tag, so a cluster keeps them together.
--
-- KEYS[1] is the prefix. ARGV[1] is the verb, and the others are what it takes.
--
--   members        sorted set: member -> when it is gone
--   due            sorted set: circuit -> when something in its account is over
--   changes        sorted set: circuit -> version of its last change
--   a:<circuit>    hash: the account
--   v:<circuit>    sorted set: member -> when its vote ends
--   s:<circuit>    sorted set: settings -> when the last vote with them ends
--   orders         hash: circuit -> number, end, what, by
--   meta           hash: life, version
local PREFIX = KEYS[1]
local KEPT, LONGEST, MOST_SETTINGS = 600000, 86400000, 16
local KEYS_LIVE = LONGEST + KEPT
-- The most circuits and orders in one report.
local MOST = 10000

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

local function key(name) return PREFIX .. name end

local function write(command, name, ...)
    local result = redis.call(command, key(name), ...)
    redis.call('PEXPIRE', key(name), KEYS_LIVE)
    return result
end

local function bounded(text) return math.max(0, math.min(tonumber(text) or 0, LONGEST)) end

local function next_version() return write('HINCRBY', 'meta', 'version', 1) end

local function read(circuit)
    local fields = redis.call('HMGET', key('a:' .. circuit), 'round', 'stand', 'open_until', 'opened_by', 'needed',
        'among', 'reopenings', 'at_least', 'per_mille', 'holder', 'lease_until', 'kept_until')
    local numbers = {}
    for at = 1, 12 do numbers[at] = tonumber(fields[at]) or 0 end
    return {
        round = numbers[1], stand = fields[2] or 'counting', open_until = numbers[3], opened_by = numbers[4],
        needed = numbers[5], among = numbers[6], reopenings = numbers[7],
        at_least = tonumber(fields[8]) or 2, per_mille = tonumber(fields[9]) or 300,
        holder = fields[10] or '', lease_until = numbers[11], kept_until = numbers[12],
    }
end

local function last_end(name)
    local last = redis.call('ZREVRANGE', key(name), 0, 0, 'WITHSCORES')
    return tonumber(last[2]) or 0
end

local function keep(circuit, account)
    local last = math.max(now, account.open_until, account.lease_until, last_end('v:' .. circuit))
    account.kept_until = last + KEPT
end

-- When the next vote, or the account itself, is over.
local function mark_due(circuit, account)
    local first = redis.call('ZRANGE', key('v:' .. circuit), 0, 0, 'WITHSCORES')
    write('ZADD', 'due', math.min(tonumber(first[2]) or account.kept_until, account.kept_until), circuit)
end

local function save(circuit, account, version)
    write('HSET', 'a:' .. circuit, 'round', account.round, 'stand', account.stand,
        'open_until', account.open_until, 'opened_by', account.opened_by, 'needed', account.needed,
        'among', account.among, 'reopenings', account.reopenings, 'at_least', account.at_least,
        'per_mille', account.per_mille, 'holder', account.holder, 'lease_until', account.lease_until,
        'kept_until', account.kept_until)
    write('ZADD', 'changes', version, circuit)
    mark_due(circuit, account)
end

local function forget(circuit)
    redis.call('DEL', key('a:' .. circuit), key('v:' .. circuit), key('s:' .. circuit))
    redis.call('ZREM', key('due'), circuit)
    redis.call('ZREM', key('changes'), circuit)
end

-- The votes of live members, and the end of the longest.
local function live_votes(circuit)
    local votes = redis.call('ZINTERCARD', 2, key('v:' .. circuit), key('members'))
    local from = 0
    while votes > 0 do
        local voter = redis.call('ZREVRANGE', key('v:' .. circuit), from, from, 'WITHSCORES')
        if redis.call('ZSCORE', key('members'), voter[1]) then return votes, tonumber(voter[2]) end
        from = from + 1
    end
    return 0, 0
end

local function needed(account, members)
    return math.max(account.at_least, math.ceil(members * account.per_mille / 1000))
end

-- Whether it is held open: by votes, or because it is probed.
local function is_held(account)
    return account.stand == 'open' and (account.open_until > now or account.lease_until > now)
end

-- Opens if there are enough votes. One that nothing holds open any more opens anew: it may have closed at members that
-- were alone.
local function count(circuit, account, reopenings, version)
    local votes, longest = live_votes(circuit)
    local among = redis.call('ZCARD', key('members'))
    local need = needed(account, among)
    local is_met = votes >= need
    if is_met and not is_held(account) then
        account.stand, account.round, account.reopenings = 'open', version, 0
        account.open_until, account.opened_by = 0, 0
        account.holder, account.lease_until = '', 0
    end
    -- While it is open, these are the numbers that opened it.
    if account.stand ~= 'open' or (is_met and votes >= account.opened_by) then
        account.needed, account.among = need, among
    end
    if is_met then
        account.open_until = math.max(longest, account.open_until)
        account.opened_by = math.max(votes, account.opened_by)
        account.reopenings = math.max(reopenings, account.reopenings)
    end
end

local function close(account, stand, version)
    account.stand, account.round = stand, version
    account.open_until, account.opened_by, account.reopenings = 0, 0, 0
    account.holder, account.lease_until = '', 0
end

local function version_now() return tonumber(redis.call('HGET', key('meta'), 'version')) or 0 end

-- Counts the votes again, because the live members are others.
local function count_all()
    local circuits = redis.call('ZRANGE', key('due'), 0, -1)
    table.sort(circuits)
    for _, circuit in ipairs(circuits) do
        if redis.call('EXISTS', key('v:' .. circuit)) == 1 then
            local account = read(circuit)
            local votes = live_votes(circuit)
            if not is_held(account) and votes >= needed(account, redis.call('ZCARD', key('members'))) then
                local version = next_version()
                count(circuit, account, 0, version)
                keep(circuit, account)
                save(circuit, account, version)
            end
        end
    end
end

-- Forgets what is over. Reads only the circuits in which something is.
local function expire()
    local gone = redis.call('ZREMRANGEBYSCORE', key('members'), '-inf', now)
    for _, circuit in ipairs(redis.call('ZRANGEBYSCORE', key('due'), '-inf', now)) do
        local account = read(circuit)
        if account.kept_until <= now then
            forget(circuit)
        else
            local ended = redis.call('ZREMRANGEBYSCORE', key('v:' .. circuit), '-inf', now)
            redis.call('ZREMRANGEBYSCORE', key('s:' .. circuit), '-inf', now)
            if ended > 0 then write('ZADD', 'changes', next_version(), circuit) end
            mark_due(circuit, account)
        end
    end
    if gone > 0 then count_all() end
end

local function tell(published)
    redis.call('PUBLISH', key('changed'), published)
end

local verbs = {}

function verbs.beat(member, alive_for, life, known, spare)
    write('HSETNX', 'meta', 'life', spare)
    local left = tonumber(redis.call('ZSCORE', key('members'), member)) or 0
    write('ZADD', 'members', now + bounded(alive_for), member)
    expire()
    -- The votes of one that was gone have a say again.
    if left <= now then count_all() end
    redis.call('PEXPIRE', key('meta'), KEYS_LIVE)
    local version = version_now()
    local current = redis.call('HGET', key('meta'), 'life')
    local from = tonumber(known) or 0
    local is_whole = life ~= current or from > version
    if is_whole then from = -1 end
    local records = {}
    for _, circuit in ipairs(redis.call('ZRANGEBYSCORE', key('changes'), '(' .. from, '+inf', 'LIMIT', 0, MOST)) do
        local it = read(circuit)
        local has_lease = it.lease_until > now
        records[#records + 1] = {
            circuit, it.round, it.stand, math.max(0, it.open_until - now),
            it.stand == 'open' and it.opened_by or redis.call('ZCARD', key('v:' .. circuit)), it.needed, it.among,
            redis.call('ZSCORE', key('v:' .. circuit), member) and 1 or 0, it.reopenings,
            has_lease and it.holder or '', has_lease and it.lease_until - now or 0,
            redis.call('ZCARD', key('s:' .. circuit)),
        }
    end
    local orders = {}
    local all = redis.call('HGETALL', key('orders'))
    for at = 1, math.min(#all, 2 * MOST), 2 do
        local number, ends, rest = string.match(all[at + 1], '^(%d+) (%d+) (.*)$')
        if not number or tonumber(ends) <= now then
            redis.call('HDEL', key('orders'), all[at])
        elseif tonumber(number) > from then
            local what, by = string.match(rest, '^([^\n]*)\n(.*)$')
            orders[#orders + 1] = { all[at], tonumber(number), what or rest, by or '', tonumber(ends) - now }
        end
    end
    return { current, version, is_whole and 1 or 0, redis.call('ZCARD', key('members')), records, orders }
end

function verbs.order(_, circuit, what, lasts, by)
    local number = next_version()
    write('HSET', 'orders', circuit, string.format('%d %d %s\n%s', number, now + bounded(lasts), what, by))
    tell(number)
    return number
end

function verbs.vote(member, circuit, lasts, reopenings, settings, at_least, per_mille)
    expire()
    local version, account = next_version(), read(circuit)
    local has_lease = account.holder == member and account.lease_until > now
    local ends = now + bounded(lasts)
    write('ZADD', 'v:' .. circuit, ends, member)
    if redis.call('ZSCORE', key('s:' .. circuit), settings)
        or redis.call('ZCARD', key('s:' .. circuit)) < MOST_SETTINGS then
        write('ZADD', 's:' .. circuit, 'GT', ends, settings)
    end
    account.at_least, account.per_mille = tonumber(at_least), tonumber(per_mille)
    if has_lease then
        account.holder, account.lease_until = '', 0
        account.round, account.open_until = version, ends
        account.reopenings = math.max(tonumber(reopenings), account.reopenings)
    else
        count(circuit, account, tonumber(reopenings), version)
    end
    keep(circuit, account)
    save(circuit, account, version)
    tell(version)
    return version
end

function verbs.withdraw(member, circuit)
    expire()
    if redis.call('EXISTS', key('a:' .. circuit)) == 0 then return 0 end
    local version, account = next_version(), read(circuit)
    redis.call('ZREM', key('v:' .. circuit), member)
    if account.holder == member and account.lease_until > now then
        account.holder, account.lease_until = '', 0
    end
    if account.stand == 'open' and account.open_until > now and account.lease_until <= now then
        if live_votes(circuit) < needed(account, redis.call('ZCARD', key('members'))) then
            close(account, 'withdrawn', version)
            redis.call('DEL', key('s:' .. circuit))
        end
    end
    keep(circuit, account)
    save(circuit, account, version)
    tell(version)
    return version
end

function verbs.recovered(member, circuit)
    expire()
    if redis.call('EXISTS', key('a:' .. circuit)) == 0 then return 0 end
    local version, account = next_version(), read(circuit)
    if account.holder == member and account.lease_until > now then
        close(account, 'recovered', version)
        redis.call('DEL', key('v:' .. circuit), key('s:' .. circuit))
    else
        redis.call('ZREM', key('v:' .. circuit), member)
    end
    keep(circuit, account)
    save(circuit, account, version)
    tell(version)
    return version
end

function verbs.lease(member, circuit, lasts)
    expire()
    local account = read(circuit)
    if account.stand ~= 'open' then return { 'unneeded', '', 0 } end
    if account.lease_until > now and account.holder ~= member then
        return { 'held', account.holder, account.lease_until - now }
    end
    if account.open_until > now then return { 'not_due', '', account.open_until - now } end
    local version = next_version()
    account.holder, account.lease_until = member, now + bounded(lasts)
    keep(circuit, account)
    save(circuit, account, version)
    tell(version)
    return { 'granted', '', account.lease_until - now }
end

return verbs[ARGV[1]](unpack(ARGV, 2))
