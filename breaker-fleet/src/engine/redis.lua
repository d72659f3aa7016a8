-- The ledger of a fleet, as `src/ledger.rs` says it: one atomic step for each verb. Times are milliseconds on the clock
-- of the server. All keys share one hash tag, so a cluster keeps them together.
--
-- KEYS[1] is the prefix. ARGV[1] is the verb, and the others are what it takes.
--
--   members        sorted set: member -> when it is gone
--   due            sorted set: circuit -> when something in its account is over
--   changes        sorted set: circuit -> version of its last change
--   a:<circuit>    hash: the account
--   v:<circuit>    sorted set: member -> when its vote ends
--   s:<circuit>    sorted set: settings -> when the last vote with them ends
--   orders         hash: option, circuit -> number, end, what, by
--   meta           hash: life, version
--
-- Any client of the server can write nonsense there. Numbers are bounded when they are read. What cannot be read
-- at all is deleted: see `heal`.
local PREFIX = KEYS[1]
local KEPT, LONGEST, MOST_SETTINGS = 600000, 86400000, 16
local KEYS_LIVE = LONGEST + KEPT
-- The most circuits in one report: those that changed last. Also the most orders: if there are more, all are deleted.
local MOST = 2000
-- The most members, and votes about a circuit: those that end last.
local MOST_MEMBERS = 10000
-- The longest name that is reported, and the longest order, in bytes.
local LONGEST_NAME, LONGEST_ORDER = 512, 2048
-- Integers up to this are exact, also as text, which has 14 digits.
local MOST_VERSION, MOST_COUNT = 2 ^ 46, 2 ^ 31

-- Whether a part of this call was undone by `heal`.
local has_healed = false

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

local function key(name) return PREFIX .. name end

local function write(command, name, ...)
    local result = redis.call(command, key(name), ...)
    redis.call('PEXPIRE', key(name), KEYS_LIVE)
    return result
end

-- The text as a whole number from 0 to `most`.
local function whole(text, most)
    local number = tonumber(text)
    -- One that is not equal to itself is no number.
    if not number or number ~= number then return 0 end
    return math.floor(math.max(0, math.min(number, most)))
end

local function bounded(text) return whole(text, LONGEST) end

local function checked(version)
    if version >= MOST_VERSION then error('nonsense') end
    return version
end

local function next_version() return checked(write('HINCRBY', 'meta', 'version', 1)) end

-- As HINCRBY writes and takes it. To Lua, `007` is a number, too.
local function is_integer(text) return text == '0' or #text <= 16 and string.match(text, '^[1-9]%d*$') end

local function life_and_version()
    local meta = redis.call('HMGET', key('meta'), 'life', 'version')
    for at = 1, 2 do
        if meta[at] and not is_integer(meta[at]) then error('nonsense') end
    end
    return meta[1], checked(tonumber(meta[2] or 0))
end

-- Messages say that something was decided. Members ask what it is, and learn the rest with their next beat.
local function tell(version)
    redis.call('PUBLISH', key('changed'), version)
end

local STANDS = { counting = true, open = true, recovered = true, withdrawn = true }

local function stored(circuit)
    local it = redis.call('HMGET', key('a:' .. circuit), 'round', 'stand', 'open_until', 'opened_by', 'needed',
        'among', 'reopenings', 'at_least', 'per_mille', 'holder', 'lease_until', 'kept_until')
    local holder = it[10] or ''
    return {
        is_known = it[1] and true or false,
        round = whole(it[1], MOST_VERSION), stand = STANDS[it[2]] and it[2] or 'counting',
        open_until = whole(it[3], now + LONGEST), opened_by = whole(it[4], MOST_COUNT),
        needed = whole(it[5], MOST_COUNT), among = whole(it[6], MOST_COUNT), reopenings = whole(it[7], MOST_COUNT),
        at_least = whole(it[8] or 2, MOST_COUNT), per_mille = whole(it[9] or 300, MOST_COUNT),
        holder = #holder <= LONGEST_NAME and holder or '', lease_until = whole(it[11], now + LONGEST),
        kept_until = whole(it[12], now + KEYS_LIVE),
    }
end

local function is_voted(circuit) return redis.call('EXISTS', key('v:' .. circuit)) == 1 end

local function has_lease(account, member) return account.holder == member and account.lease_until > now end

local function last_end(name)
    local last = redis.call('ZREVRANGE', key(name), 0, 0, 'WITHSCORES')
    return whole(last[2], now + LONGEST)
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

local function delete(circuit)
    redis.call('DEL', key('a:' .. circuit), key('v:' .. circuit), key('s:' .. circuit))
end

-- The account was lost or cannot be read. It begins again without votes. Members hear so, and vote again.
local function begin_again(circuit)
    delete(circuit)
    local account, version = stored(circuit), next_version()
    account.is_known, account.round = true, version
    keep(circuit, account)
    save(circuit, account, version)
    tell(version)
    return account
end

local function read(circuit)
    local account = stored(circuit)
    if not account.is_known and is_voted(circuit) then return begin_again(circuit) end
    return account
end

local function forget(circuit)
    delete(circuit)
    redis.call('ZREM', key('due'), circuit)
    redis.call('ZREM', key('changes'), circuit)
end

local function remove_surplus(name)
    redis.call('ZREMRANGEBYRANK', key(name), 0, -MOST_MEMBERS - 1)
end

-- Removes what ended, and what claims to end later than anything can.
local function remove_ended(name)
    redis.call('ZREMRANGEBYSCORE', key(name), '(' .. now + LONGEST, '+inf')
    remove_surplus(name)
    return redis.call('ZREMRANGEBYSCORE', key(name), '-inf', now)
end

-- The votes of live members, and the end of the longest.
local function live_votes(circuit)
    remove_surplus('v:' .. circuit)
    local votes = redis.call('ZINTERCARD', 2, key('v:' .. circuit), key('members'))
    local from = 0
    while votes > 0 do
        local voter = redis.call('ZREVRANGE', key('v:' .. circuit), from, from, 'WITHSCORES')
        if redis.call('ZSCORE', key('members'), voter[1]) then return votes, whole(voter[2], now + LONGEST) end
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

-- Counts the votes again, because the live members are others.
local function count_all()
    local circuits = redis.call('ZRANGE', key('due'), 0, -1)
    table.sort(circuits)
    for _, circuit in ipairs(circuits) do
        if is_voted(circuit) then
            local account = read(circuit)
            local votes = live_votes(circuit)
            if not is_held(account) and votes >= needed(account, redis.call('ZCARD', key('members'))) then
                local version = next_version()
                count(circuit, account, 0, version)
                keep(circuit, account)
                save(circuit, account, version)
                tell(version)
            end
        end
    end
end

-- Forgets what is over. Reads only the circuits in which something is.
local function expire()
    local gone = remove_ended('members')
    redis.call('ZREMRANGEBYSCORE', key('due'), '(' .. now + KEYS_LIVE, '+inf')
    for _, circuit in ipairs(redis.call('ZRANGEBYSCORE', key('due'), '-inf', now, 'LIMIT', 0, MOST)) do
        local account = read(circuit)
        if account.kept_until <= now then
            forget(circuit)
        else
            remove_ended('s:' .. circuit)
            if remove_ended('v:' .. circuit) > 0 then write('ZADD', 'changes', next_version(), circuit) end
            mark_due(circuit, account)
        end
    end
    if gone > 0 or has_healed then count_all() end
end

local function records(member, from, version)
    local records = {}
    -- What claims to come later than all changes would be reported each time, before all others.
    local later = redis.call('ZRANGEBYSCORE', key('changes'), '(' .. version, '+inf', 'LIMIT', 0, MOST)
    for _, circuit in ipairs(later) do redis.call('ZADD', key('changes'), 0, circuit) end
    -- The newest, if there are too many.
    local news = redis.call('ZREVRANGEBYSCORE', key('changes'), version, '(' .. from, 'LIMIT', 0, MOST)
    for _, circuit in ipairs(news) do
        local it = read(circuit)
        if not it.is_known or #circuit > LONGEST_NAME then
            forget(circuit)
        else
            local is_lent = it.holder ~= '' and it.lease_until > now
            records[#records + 1] = {
                circuit, it.round, it.stand, math.max(0, it.open_until - now),
                it.stand == 'open' and it.opened_by or redis.call('ZCARD', key('v:' .. circuit)), it.needed, it.among,
                redis.call('ZSCORE', key('v:' .. circuit), member) and 1 or 0, it.reopenings,
                is_lent and it.holder or '', is_lent and it.lease_until - now or 0,
                redis.call('ZCOUNT', key('s:' .. circuit), '(' .. now, '+inf'),
            }
        end
    end
    return records
end

local function orders(from, version)
    local orders = {}
    if redis.call('HLEN', key('orders')) > MOST then redis.call('DEL', key('orders')) end
    local all = redis.call('HGETALL', key('orders'))
    for at = 1, #all, 2 do
        local about, order = all[at], all[at + 1]
        local circuit = string.match(about, '^[^\n]*\n(.+)$')
        local fits = circuit and #about <= LONGEST_NAME and #order <= LONGEST_ORDER
        local number, ends, what, by = string.match(fits and order or '', '^(%d+) (%d+) ([^\n]*)\n(.*)$')
        number, ends = tonumber(number), tonumber(ends)
        if not number or number > version or ends <= now or ends > now + LONGEST then
            redis.call('HDEL', key('orders'), about)
        elseif number > from then
            orders[#orders + 1] = { circuit, number, what, by, ends - now }
        end
    end
    return orders
end

local verbs = {}

function verbs.beat(member, alive_for, life, known, spare)
    local current = life_and_version()
    if not current then
        write('HSET', 'meta', 'life', spare)
        current = spare
    end
    local left = whole(redis.call('ZSCORE', key('members'), member), now + LONGEST)
    write('ZADD', 'members', now + bounded(alive_for), member)
    expire()
    -- The votes of one that was gone have a say again.
    if left <= now then count_all() end
    redis.call('PEXPIRE', key('meta'), KEYS_LIVE)
    local _, version = life_and_version()
    local from = tonumber(known) or 0
    local is_whole = life ~= current or from > version
    if is_whole then from = -1 end
    return {
        current, version, is_whole and 1 or 0, redis.call('ZCARD', key('members')), records(member, from, version),
        orders(from, version),
    }
end

function verbs.order(_, circuit, what, lasts, by)
    expire()
    local number = next_version()
    -- The latest about each option.
    local about = string.match(what, '^[^=]*') .. '\n' .. circuit
    write('HSET', 'orders', about, string.format('%d %d %s\n%s', number, now + bounded(lasts), what, by))
    tell(number)
    return number
end

function verbs.vote(member, circuit, lasts, reopenings, settings, at_least, per_mille)
    expire()
    local account, version = read(circuit), next_version()
    local round, ends = account.round, now + bounded(lasts)
    remove_ended('v:' .. circuit)
    write('ZADD', 'v:' .. circuit, ends, member)
    remove_ended('s:' .. circuit)
    if redis.call('ZSCORE', key('s:' .. circuit), settings)
        or redis.call('ZCARD', key('s:' .. circuit)) < MOST_SETTINGS then
        write('ZADD', 's:' .. circuit, 'GT', ends, settings)
    end
    account.at_least, account.per_mille = whole(at_least, MOST_COUNT), whole(per_mille, MOST_COUNT)
    if has_lease(account, member) then
        account.holder, account.lease_until = '', 0
        account.round, account.open_until = version, ends
        account.reopenings = math.max(tonumber(reopenings), account.reopenings)
    else
        count(circuit, account, tonumber(reopenings), version)
    end
    keep(circuit, account)
    save(circuit, account, version)
    if account.round ~= round then tell(version) end
    return version
end

function verbs.withdraw(member, circuit)
    expire()
    local account = read(circuit)
    if not account.is_known then return 0 end
    local version, had_lease = next_version(), has_lease(account, member)
    redis.call('ZREM', key('v:' .. circuit), member)
    if had_lease then account.holder, account.lease_until = '', 0 end
    local is_open = account.stand == 'open' and account.open_until > now and account.lease_until <= now
    local is_over = is_open and live_votes(circuit) < needed(account, redis.call('ZCARD', key('members')))
    if is_over then
        close(account, 'withdrawn', version)
        redis.call('DEL', key('s:' .. circuit))
    end
    keep(circuit, account)
    save(circuit, account, version)
    if had_lease or is_over then tell(version) end
    return version
end

function verbs.recovered(member, circuit)
    expire()
    local account = read(circuit)
    if not account.is_known then return 0 end
    local version, had_lease = next_version(), has_lease(account, member)
    if had_lease then
        close(account, 'recovered', version)
        redis.call('DEL', key('v:' .. circuit), key('s:' .. circuit))
    else
        redis.call('ZREM', key('v:' .. circuit), member)
    end
    keep(circuit, account)
    save(circuit, account, version)
    if had_lease then tell(version) end
    return version
end

-- Not told: who wants to probe asks, and hears who does.
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
    return { 'granted', '', account.lease_until - now }
end

local function is_sane(name, kind)
    local found = redis.call('TYPE', key(name)).ok
    return found == 'none' or found == kind
end

-- Deletes what nobody can read: the account of a circuit, or all that is shared. The first begins again without votes,
-- and members hear so. The second is like a server that starts empty: members see a new life. In both cases they vote
-- again. Returns whether something was deleted.
local function heal()
    local shared = { members = 'zset', due = 'zset', changes = 'zset', orders = 'hash', meta = 'hash' }
    local circuits, is_broken = { [ARGV[3] or ''] = true }, not is_sane('meta', 'hash')
    for name, kind in pairs(shared) do
        if not is_sane(name, kind) then
            is_broken = true
        elseif name == 'due' or name == 'changes' then
            for _, circuit in ipairs(redis.call('ZRANGE', key(name), 0, -1)) do circuits[circuit] = true end
        end
    end
    is_broken = is_broken or not pcall(life_and_version)
    for circuit in pairs(circuits) do
        local is_readable = is_sane('a:' .. circuit, 'hash') and is_sane('v:' .. circuit, 'zset')
            and is_sane('s:' .. circuit, 'zset')
        if is_broken or not is_readable then
            if is_broken then delete(circuit) else begin_again(circuit) end
            has_healed = true
        end
    end
    if is_broken then
        for name in pairs(shared) do redis.call('DEL', key(name)) end
        tell(0)
        has_healed = true
    end
    return has_healed
end

local function act() return verbs[ARGV[1]](unpack(ARGV, 2)) end

local is_done, answer = pcall(act)
if not is_done and heal() then is_done, answer = pcall(act) end
if is_done or type(answer) == 'table' then return answer end
return redis.error_reply(string.match(answer, '^%u+ ') and answer or 'ERR ' .. answer)
