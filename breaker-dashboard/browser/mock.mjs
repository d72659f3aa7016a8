// A stand-in for the dashboard's server, to look at the page and to test it: the answers of docs/json.md, with
// circuits in every state.
//
//   node mock.mjs [--port 3031] [--path /breaker] [--circuits 1000] [--busy 100] [--shown 900] [--token secret]
//                 [--outage] [--basic] [--empty] [--alone]
//
// With `--outage`, 230 of some 430 circuits are open: a whole region and 20 of 180 tenants among them. With `--basic`, it
// answers as servers did before they told outages, changed rows, longer histories and undo. `--busy` says how many of the
// made-up circuits have calls.

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';

const PAGE = new URL('../src/routes/page.html', import.meta.url);
const RANKS = { forced_open: 0, open: 1, half_open: 2, recovering: 2, disabled: 3, closed: 4 };
const MIB = 1 << 20;

const round = (number) => Math.round(number * 1000) / 1000;
const sumOf = (numbers) => Object.values(numbers).reduce((total, number) => total + number, 0);

/** Durations like those of `explain()`. */
function readable(seconds) {
  if (seconds < 1) return `${Math.round(seconds * 1000)}ms`;
  if (seconds < 10 && seconds % 1 >= 0.01) return `${Math.floor(seconds)}s ${Math.floor((seconds % 1) * 100) * 10}ms`;
  const all = Math.round(seconds);
  return [[Math.floor(all / 3600), 'h'], [Math.floor(all / 60) % 60, 'm'], [all % 60, 's']].filter(([n]) => n).map(([n, u]) => n + u).join(' ') || '0s';
}

const DEFAULTS = {
  failure_threshold: 5, failure_rate: null, window: { calls: 100 }, minimum_calls: 10, slow_call: null, slow_call_rate: null,
  cooldown: 60, cooldown_multiplier: 1, cooldown_max: 600, cooldown_jitter: 0, half_open_max_calls: 3, success_threshold: 3,
  half_open_failure_threshold: 1, probe_timeout: 60, hung_after: null, recovery: null, open_for_max: 600, timings: false, max_concurrent: null, max_wait: 0, mode: 'normal',
};

/** The kinds of values, as the server tells them. */
const KIND_OF = { failure_rate: 'share', window: 'window', slow_call: 'duration', slow_call_rate: 'share', cooldown: 'duration', cooldown_multiplier: 'factor', cooldown_max: 'duration', cooldown_jitter: 'spread', probe_timeout: 'duration', hung_after: 'duration', recovery: 'duration', open_for_max: 'duration', timings: 'flag', max_wait: 'wait', mode: 'mode' };
const VALUE_OF = { share: 'more than 0, at most 1', duration: 'duration, longer than 0', mode: '`normal` or `observe`; from outside also `disabled` or `forced_open`' };
const CAN_BE_OFF = new Set(['failure_threshold', 'failure_rate', 'slow_call', 'slow_call_rate', 'hung_after', 'recovery', 'max_concurrent']);
const OPTIONS = Object.keys(DEFAULTS).map((name) => ({ name, kind: KIND_OF[name] ?? 'count', value: VALUE_OF[KIND_OF[name]] ?? 'integer, at least 1', may_be_off: CAN_BE_OFF.has(name), default: 'as ever', meaning: `What ${name} does.` }));

const configOf = (stated) => ({
  ...DEFAULTS,
  ...('failure_rate' in stated && !('failure_threshold' in stated) ? { failure_threshold: null } : {}),
  ...('slow_call' in stated ? { slow_call_rate: 0.5 } : {}),
  ...stated,
  stated: Object.keys(stated),
});

const siteOf = (name, line = 42) => ({
  function: (name.toLowerCase().match(/[a-z]+/g) ?? ['call']).join('_').slice(0, 40), module: 'shop::clients', file: 'src/clients.rs', line, column: 1,
});

/** The circuits that are always there: `fails` is the share of calls that do, `rate` how many calls there are in a second. */
const CAST = [
  { name: 'payments', rate: 38, fails: 1, config: { failure_threshold: 5, cooldown: 30 }, shared: { votes: 4, prober: 'pid-4711-0a1b2c' } },
  { name: 'inventory', rate: 64, fails: 0.06, slow: 0.12, config: { failure_rate: 0.5, window: { seconds: 30 }, minimum_calls: 20, slow_call: 0.8, slow_call_rate: 0.3, cooldown: 15, timings: true }, took: { median: 0.12, spread: 1.2 }, shared: { votes: 1 } },
  { name: 'search', rate: 210, fails: 0.002, slow: 0.01, config: { failure_rate: 0.25, slow_call: 0.25, slow_call_rate: 0.05, max_concurrent: 64, max_wait: 0.05, timings: true }, took: { median: 0.022, spread: 0.6, tail: 0.003 }, tuned: [['cooldown', '5s', 840, '10.0.0.7'], ['failure_rate', '40%', null, 'code']], shared: { votes: 2, settings: 2 } },
  { name: 'shipping/dhl', rate: 9, fails: 0.5, config: { failure_threshold: 8, cooldown: 12 }, half: true, shared: { votes: 3, prober: 'pid-7-3d4e5f', own: true } },
  { name: 'catalog', rate: 40, fails: 0.01, config: { failure_threshold: 8, cooldown: 12, recovery: 240, hung_after: 30, timings: true }, took: { median: 0.0018, spread: 0.7 }, recovers: true, hung: 3 },
  { name: 'shipping/ups', rate: 12, fails: 0.02, config: { failure_threshold: 8, cooldown: 12 } },
  { name: 'shipping/hermes', rate: 7, fails: 0.32, config: { failure_threshold: 12, cooldown: 12 } },
  { name: 'recommendations', rate: 55, fails: 0.38, config: { failure_rate: 0.5, failure_threshold: 20, cooldown: 20, cooldown_multiplier: 2, cooldown_jitter: 0.1 } },
  { name: 'legacy-erp', rate: 4, fails: 0.9, config: { cooldown: 3630 }, switched: { action: 'force_open', for: 840, by: '10.0.0.7' } },
  { name: 'fraud-check', rate: 31, fails: 0.2, config: { failure_rate: 0.1 }, switched: { action: 'disable', for: null, by: 'code' } },
  { name: 'checkout', rate: 24, fails: 0.9, config: { failure_threshold: 4, cooldown: 25, mode: 'observe' } },
  { name: 'mailer', rate: 3, fails: 0, config: {}, shared: { votes: 3, vetoes: true } },
  { name: 'geo', rate: 0.1, fails: 0, config: { failure_rate: 0.5, minimum_calls: 50 } },
  { name: 'exchange rates', rate: 18, fails: 0.01, config: { failure_threshold: 3 }, conflict: true },
  { name: 'thumbnails', rate: 0, fails: 0, config: {} },
  { name: 'victim', rate: 15, fails: 0, config: { failure_threshold: 5, cooldown: 10 } },
  { name: '<script>alert(1)</script>', rate: 2, fails: 0, config: {} },
  { name: '"onload=', rate: 1, fails: 0, config: {} },
  { name: 'invoice\u202egpj.exe', rate: 2, fails: 0, config: {} },
  { name: 'zero\u200bwidth', rate: 1, fails: 0, config: {} },
  { name: 'Ledger', rate: 2, fails: 0, config: {} },
  { name: '\uff4c\uff45\uff44\uff47\uff45\uff52', rate: 2, fails: 0, config: {} },
  { name: '..', rate: 1, fails: 0, config: {} },
  { name: '/', rate: 1, fails: 0, config: {} },
  { name: 'זמינות', rate: 2, fails: 0, config: {} },
  { name: `long-${'abcdefghij'.repeat(12)}xyz`, rate: 1, fails: 0, config: {} },
];

/** An outage: a region of 204 circuits is dead, 20 of 180 tenants and 6 others are open. */
function outageCast() {
  const cast = CAST.filter(({ name }) => !['payments', 'legacy-erp'].includes(name));
  const down = (name, rate, began, first, config = {}) => ({ name, rate, fails: 1, config: { failure_threshold: 5, cooldown: 15, ...config }, down: { began, first } });
  const services = ['ledger', 'cart', 'stock', 'prices', 'profile', 'search', 'media', 'mail', 'auth', 'orders', 'labels', 'audit'];
  for (const service of services) {
    for (let shard = 1; shard <= 17; shard += 1) {
      cast.push(down(`eu-west-1/${service}-${String(shard).padStart(2, '0')}`, 0.4 + ((shard * 7 + service.length) % 9) / 3, 432 - (shard % 8) * 3, { kind: 'failure_rate', failed: 19, calls: 20 }));
      if (shard <= 2) cast.push({ name: `us-east-1/${service}-${String(shard).padStart(2, '0')}`, rate: 2 + (shard % 4), fails: 0.002, config: { failure_threshold: 5 } });
    }
  }
  for (let at = 1; at <= 180; at += 1) {
    const name = `tenants/${String(1000 + at * 37 % 9000)}`;
    cast.push(at % 9 === 0 ? down(name, 0.6 + (at % 4) * 0.3, 380 - at, { kind: 'consecutive_failures', failed: 5, calls: null }, { cooldown: 20 }) : { name, rate: 0.4 + (at % 5) * 0.2, fails: at % 50 === 0 ? 0.3 : 0, config: {} });
  }
  for (const [name, rate, began] of [['payments', 38, 431], ['checkout-eu', 24, 425], ['invoices', 6, 300], ['sms gateway', 9, 214], ['webhooks', 12, 95], ['exports', 2, 62]]) {
    cast.push({ ...down(name, rate, began, { kind: 'failure_rate', failed: 19, calls: 20 }, name === 'payments' ? { timings: true } : {}), ...(name === 'payments' && { error: 'connect to ledger.eu-west-1:5432: connection refused', took: { median: 0.08, spread: 0.9 } }) });
  }
  return cast;
}

/** The values of options as people write them; undefined for others. */
const TEXTS = {
  cooldown: (text) => (/^\d+(\.\d+)?s$/.test(text) ? parseFloat(text) : undefined),
  failure_rate: (text) => (text === 'off' ? null : /^\d+%$/.test(text) ? parseFloat(text) / 100 : undefined),
  failure_threshold: (text) => (text === 'off' ? null : /^[1-9]\d*$/.test(text) ? Number(text) : undefined),
  mode: (text) => (['normal', 'observe'].includes(text) ? text : undefined),
};

const withheld = (source) => (source.startsWith('override') ? 'override' : source);

const withheldChanges = ({ changes, ...entry }) => ({ ...entry, changes: changes.map((change) => ({ ...change, old_source: withheld(change.old_source), new_source: withheld(change.new_source) })) });

/** The members of the fleet, and the votes that they need. */
const [MEMBERS, NEEDED] = [8, 3];
const VERDICT = { kind: 'fleet', failed: 3, slow: 0, calls: MEMBERS, share: null, threshold: NEEDED, hung: 0, text: `3 of ${MEMBERS} members voted to open it` };

const told = (entry, named) => (entry.changes && !named ? withheldChanges(entry) : 'by' in entry && !named ? { ...entry, by: null } : entry);

/** The bounds of the buckets of durations, in seconds. */
const BOUNDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const STEP = 5;
const bucketOf = (seconds) => BOUNDS.filter((bound) => bound < seconds).length;

/** A duration: most are near the median, some of the tail are ten times as long. */
function durationOf({ median, spread, tail = 0 }) {
  const bell = Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
  return median * Math.exp(bell * spread) * (Math.random() < tail ? 14 : 1);
}

/** The percentiles of durations, as the server tells them. */
function timingsOf(durations) {
  if (!durations.length) return null;
  const sorted = durations.toSorted((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
  return { count: sorted.length, p50: at(.5), p90: at(.9), p95: at(.95), p99: at(.99), max: at(1) };
}

/** The steps of the longer histories, in seconds, and the letters of states, from bad to good. */
const COARSE = [15, 60];
const LETTERS = { forced_open: 'f', open: 'o', half_open: 'h', recovering: 'r', disabled: 'd', closed: 'c' };
const worseOf = (one, other) => (one === null || Object.values(LETTERS).indexOf(other) < Object.values(LETTERS).indexOf(one) ? other : one);

class Circuit {
  constructor(part, log) {
    Object.assign(this, { rate: 1, fails: 0, slow: 0, ...part, given: configOf(part.config ?? {}), overrides: [], log: [], entryOf: log });
    this.settle();
    this.calls = { started: 0, success: 0, failure: 0, ignored: 0, cancelled: 0, slow: 0, hung: this.hung ?? 0, late: 0, timed_out: 0, panicked: 0 };
    this.rejected = { open: 0, half_open_full: 0, forced_open: 0, bulkhead_full: 0, recovering: 0 };
    this.wouldReject = { ...this.rejected };
    this.counts = {};
    Object.assign(this, { state: 'closed', epoch: 0, openTime: 0, tripReason: null, override: null, lastFailure: null, lastSuccess: null });
    this.changedAt = 0;
    this.history = [];
    /** Ends of calls, `[when, seconds, whether it failed]`, and how many of them are in which bucket in each step. */
    Object.assign(this, { timed: [], columns: [], minute: null, outage: null, marks: [], orders: 0 });
    /** Histories of 15 and 60 minutes: finished buckets, and the present one. */
    this.coarse = COARSE.map((step) => ({ step, done: [], sums: [0, 0, 0], worst: null }));
    this.clear();
  }

  /** What is stated, and over it what is overridden. */
  settle() {
    this.config = { ...this.given, ...Object.fromEntries(this.overrides.map(({ option, value }) => [option, TEXTS[option](value)])), stated: [...new Set([...this.given.stated, ...this.overrides.map(({ option }) => option)])] };
  }

  get mode() {
    if (this.override) return this.override.mode;
    return this.config.mode;
  }

  sources(named) {
    const { file, line } = siteOf(this.name);
    return { ...Object.fromEntries(this.given.stated.map((option) => [option, `${file}:${line}`])), ...Object.fromEntries(this.overrides.map(({ option, by }) => [option, named ? `override by ${by}` : 'override'])) };
  }

  /** Lets `change` alter the overrides, and notes what that changed. */
  tune(at, change) {
    const [before, from] = [this.config, this.sources(true)];
    change();
    this.settle();
    const text = (option, config) => (config[option] === null ? 'off' : `${config[option]}${option === 'cooldown' ? 's' : ''}`);
    const [after, to] = [this.config, this.sources(true)];
    const changes = Object.keys(after).filter((option) => option !== 'stated' && JSON.stringify(before[option]) !== JSON.stringify(after[option]))
      .map((option) => ({ option, old: text(option, before), old_source: from[option] ?? 'built-in', new: text(option, after), new_source: to[option] ?? 'built-in' }));
    if (changes.length) this.marks.push({ at: round(at), kind: 'config', text: changes.map(({ option, old, new: is }) => `${option} is ${is}, was ${old}`).join('; ') });
    if (changes.length) this.note(at, { kind: 'reconfigured', changes, text: `reconfigured: ${changes.map(({ option }) => option).join(', ')}` });
  }

  overrideOption(at, option, value, time, by) {
    this.tune(at, () => {
      this.overrides = this.overrides.filter((known) => known.option !== option);
      this.overrides.push({ option, value, by, until: time ? at + time : null });
    });
  }

  endOverrides(at, isOver = () => true) {
    if (this.overrides.some(isOver)) this.tune(at, () => { this.overrides = this.overrides.filter((each) => !isOver(each)); });
  }

  /** What the fleet says about it. `fleet` is the connection, or null. */
  fleetAt(at, fleet, named) {
    if (!fleet || !this.shared) return { fleet: null, lease: null, vetoed: null };
    const { votes, settings = 1, prober = null, own = false, vetoes = false } = this.shared;
    const isAsked = fleet.connected && ['open', 'half_open'].includes(this.state);
    const lease = isAsked && prober ? { held_by: own ? 'own' : 'other', left: this.state === 'open' ? this.retryAfter(at) : 20 } : null;
    const heard = fleet.connected ? { votes, needed: NEEDED, members: MEMBERS, has_voted: own, prober: named && lease ? prober : null, settings } : { votes: 0, needed: 0, members: 0, has_voted: false, prober: null, settings: 0 };
    return { fleet: { policy: 'quorum', ...heard }, lease, vetoed: vetoes && fleet.connected && this.state === 'closed' ? VERDICT : null };
  }

  /** The end of its explanation. */
  explainFleet(at) {
    const { fleet, vetoed } = this.fleetAt(at, this.world?.fleet, false);
    if (!fleet || ['forced_open', 'disabled'].includes(this.state)) return '';
    if (!fleet.needed) return this.state === 'closed' ? '' : '; acts as if alone, because the fleet is not connected';
    const missing = fleet.votes < fleet.needed ? `; ${fleet.votes} of ${fleet.needed} votes needed to open it everywhere` : `; ${fleet.votes} members voted to open it`;
    return (vetoed ? `; ${vetoed.text}, but its own calls are good` : missing) + (fleet.settings > 1 ? `; members disagree about its settings (${fleet.settings} different)` : '');
  }

  clear() {
    this.window = [];
    this.inARow = 0;
    this.goodInARow = 0;
    this.probes = { in_flight: 0, successes: 0, failures: 0, lost: 0 };
    this.inFlight = 0;
  }

  enter(to, cause, at, tripReason = null) {
    const from = this.state;
    if (from === 'open') this.openTime += at - this.changedAt;
    Object.assign(this, { state: to, changedAt: at, epoch: this.epoch + 1 });
    if (tripReason) this.tripReason = tripReason;
    if (to === 'closed') Object.assign(this, { tripReason: null, outage: null });
    if (to === 'open' && this.outage) this.outage.reopenings += 1;
    else if (to === 'open') this.outage = { at, first: tripReason?.text ?? 'tripped by hand', reopenings: 0 };
    if (['forced_open', 'disabled'].includes(to)) this.marks.push({ at: round(at), kind: 'override', text: to.replace('_', ' ') });
    this.counts[`${from} ${to}`] = (this.counts[`${from} ${to}`] ?? 0) + 1;
    this.clear();
    this.openedFor = this.config.cooldown * (1 + (Math.random() - 0.5) * this.config.cooldown_jitter);
    const words = cause === 'tripped' ? tripReason.text : cause.replace('_', ' ');
    this.note(at, { kind: 'transition', from, to, cause, trip_reason: tripReason, retry_after: to === 'open' ? this.openedFor : null, observed: this.config.mode === 'observe', text: `${from} -> ${to}: ${words}` });
  }

  note(at, fields) {
    this.log.push(this.entryOf({ at: round(at), name: this.name, ...fields }));
    this.log.splice(0, this.log.length - 30);
  }

  trip(kind, at, failed, calls, threshold) {
    const share = calls ? failed / calls : null;
    const text = {
      consecutive_failures: `${failed} failures in a row`, failure_rate: `${failed} of ${calls} calls failed`, slow_call_rate: `${failed} of ${calls} calls were slow`,
      failed_probes: `${failed} of ${calls} probes failed`, manual: 'tripped by hand',
    }[kind];
    this.enter('open', 'tripped', at, { kind, failed, slow: kind === 'slow_call_rate' ? failed : 0, calls, hung: 0, share, threshold, text });
  }

  /** One call that is asked for at `at`. Answers 0 ok, 1 failed, 2 rejected. */
  call(at) {
    if (this.state === 'forced_open') { this.rejected.forced_open += 1; return 2; }
    if (this.state === 'open') {
      if (at < this.changedAt + this.openedFor) return this.refuse('open', at);
      this.enter('half_open', 'cooldown_over', at);
    }
    if (this.state === 'half_open' && Math.random() < 0.6) return this.refuse('half_open_full', at);
    if (this.state === 'recovering' && at >= this.changedAt + this.config.recovery) this.enter('closed', 'recovery_over', at);
    if (this.state === 'recovering' && !this.letsIn(at)) return this.refuse('recovering', at);
    const failed = Math.random() < this.fails;
    const took = this.take(at, failed);
    const slow = this.config.slow_call !== null && took > this.config.slow_call;
    this.calls.started += 1;
    this.calls[failed ? 'failure' : 'success'] += 1;
    if (slow) this.calls.slow += 1;
    if (failed) this.lastFailure = at; else this.lastSuccess = at;
    if (this.state === 'half_open') this.judgeProbe(failed, at);
    else if (this.watches()) this.judge(failed, slow, at);
    return failed ? 1 : 0;
  }

  /** How long a call takes, noted if the circuit keeps that. Those that have no `took` are slow as often as `slow` says. */
  take(at, failed) {
    const seconds = this.took ? durationOf(this.took) : Math.random() < this.slow ? Infinity : 0;
    if (this.config.timings && this.took) this.timed.push([at, seconds, failed]);
    return seconds;
  }

  /** Ends a step of the durations. */
  endStep(at) {
    if (!this.config.timings) return;
    const column = Array(BOUNDS.length + 1).fill(0);
    for (const [when, seconds] of this.timed) if (when > at - STEP) column[bucketOf(seconds)] += 1;
    this.columns.push(column);
    if (this.columns.length > 60) this.columns.shift();
    const recent = timingsOf(this.timed.filter(([when, , failed]) => when > at - 60 && !failed).map(([, seconds]) => seconds));
    this.minute = recent && { calls: recent.count, p50: recent.p50, p95: recent.p95, p99: recent.p99 };
    this.timed.splice(0, this.timed.length - 20000);
  }

  strip() {
    const used = [...BOUNDS, null].map((_, at) => at).filter((at) => this.columns.some((column) => column[at]));
    if (!used.length) return {};
    if (this.config.slow_call !== null) used.push(bucketOf(this.config.slow_call));
    const [first, last] = [Math.min(...used), Math.max(...used)];
    return { durations: { step: STEP, from: BOUNDS[first - 1] ?? 0, bounds: [...BOUNDS, null].slice(first, last + 1), calls: this.columns.map((column) => column.slice(first, last + 1)) } };
  }

  /** How often it would have opened, if it never refused a call. */
  wouldOpen() {
    if (this.mode !== 'observe' || sumOf(this.rejected) > this.rejected.bulkhead_full) return null;
    return Object.entries(this.counts).reduce((total, [way, count]) => total + (way.endsWith(' open') ? count : 0), 0);
  }

  watches() { return ['closed', 'recovering'].includes(this.state); }

  recoveringShare(at) {
    if (this.state !== 'recovering') return null;
    return Math.min(1, 0.1 + 0.9 * (at - this.changedAt) / this.config.recovery);
  }

  letsIn(at) {
    this.credit = (this.credit ?? 0) + this.recoveringShare(at);
    if (this.credit < 1) return false;
    this.credit -= 1;
    return true;
  }

  /** A circuit that is observed only counts what it would refuse. */
  refuse(reason, at) {
    if (this.mode !== 'observe') { this.rejected[reason] += 1; return 2; }
    this.wouldReject[reason] += 1;
    const failed = Math.random() < this.fails;
    this.calls.started += 1;
    this.calls[failed ? 'failure' : 'success'] += 1;
    if (failed) this.lastFailure = at;
    return failed ? 1 : 0;
  }

  judgeProbe(failed, at) {
    if (this.half) return;
    this.probes[failed ? 'failures' : 'successes'] += 1;
    if (this.probes.failures >= this.config.half_open_failure_threshold) this.trip('failed_probes', at, this.probes.failures, this.probes.failures + this.probes.successes, null);
    else if (this.probes.successes >= this.config.success_threshold) this.enter(this.config.recovery === null ? 'closed' : 'recovering', 'recovered', at);
  }

  judge(failed, slow, at) {
    const { config } = this;
    this.window.push({ failed, slow, at });
    if (config.window.calls) this.window.splice(0, this.window.length - config.window.calls);
    else this.window = this.window.filter((call) => at - call.at < config.window.seconds);
    this.inARow = failed ? this.inARow + 1 : 0;
    this.goodInARow = failed ? 0 : this.goodInARow + 1;
    if (failed && config.failure_threshold !== null && this.inARow >= config.failure_threshold) {
      this.trip('consecutive_failures', at, this.inARow, null, config.failure_threshold);
      return;
    }
    for (const [kind, limit, mark] of [['failure_rate', config.failure_rate, 'failed'], ['slow_call_rate', config.slow_call_rate, 'slow']]) {
      const share = this.share(mark);
      if ((failed || slow) && limit !== null && share !== null && share >= limit) {
        this.trip(kind, at, this.window.filter((call) => call[mark]).length, this.window.length, limit);
        return;
      }
    }
  }

  share(mark) {
    if (!this.watches() || this.window.length < this.config.minimum_calls) return null;
    return this.window.filter((call) => call[mark]).length / this.window.length;
  }

  second(at) {
    const calls = Math.floor(this.rate * (0.75 + 0.35 * Math.sin(at / 9 + this.name.length) + Math.random() * 0.25) + Math.random());
    const point = [0, 0, 0];
    for (let made = 0; made < calls; made += 1) point[this.call(at - 1 + made / calls)] += 1;
    if (this.state === 'closed' || this.state === 'disabled') this.inFlight = Math.floor(this.rate * (0.05 + Math.random() * 0.08));
    if (at % STEP === 0) this.endStep(at);
    this.history.push(point);
    if (this.history.length > 60) this.history.shift();
    for (const coarse of this.coarse) {
      point.forEach((number, part) => { coarse.sums[part] += number; });
      coarse.worst = worseOf(coarse.worst, LETTERS[this.state]);
      if (at % coarse.step !== 0) continue;
      coarse.done.push([...coarse.sums, coarse.worst]);
      if (coarse.done.length > 60) coarse.done.shift();
      Object.assign(coarse, { sums: [0, 0, 0], worst: null });
    }
    const letter = LETTERS[this.state];
    this.letters = [...(this.letters ?? []), letter].slice(-60);
  }

  /** Has it down since `began` seconds before `at`, with what it would have seen in that time. */
  fellDown(at, { began, first }) {
    for (const coarse of this.coarse) {
      for (let bucket = 60; bucket > 0; bucket -= 1) {
        const ago = bucket * coarse.step;
        const calls = Math.round(this.rate * coarse.step * (0.85 + Math.random() * 0.3));
        const share = Math.min(1, Math.max(0, (this.down ? began : 0) - ago + coarse.step) / coarse.step);
        const refused = Math.round(calls * share * 0.97);
        const failed = Math.round((calls - refused) * (share ? 0.9 : 0.002));
        coarse.done.push([calls - refused - failed, failed, refused, share ? 'o' : 'c']);
      }
    }
    if (!this.down) return;
    this.trip(first.kind, at - began, first.failed, first.calls, null);
    if (first.kind === 'failure_rate') this.outage.first = this.tripReason.text = '19 of the last 20 calls failed';
    this.outage.reopenings = Math.floor(began / (this.config.cooldown * 1.4));
    this.changedAt = at - Math.random() * this.config.cooldown;
  }

  historyShown(minutes) {
    const named = (step, points, state) => ({ step, ok: points.map((p) => p[0]), failed: points.map((p) => p[1]), rejected: points.map((p) => p[2]), state });
    if (minutes === 1) return named(1, this.history, this.letters ?? []);
    const { step, done, sums, worst } = this.coarse[minutes === 15 ? 0 : 1];
    const all = worst === null ? done : [...done, [...sums, worst]].slice(-60);
    return named(step, all, all.map((bucket) => bucket[3]));
  }

  sumOf(part, seconds = 60) { return this.history.slice(-seconds).reduce((total, point) => total + point[part], 0); }

  /** What servers before did not tell. */
  newFields(at) {
    if (this.world?.basic) return {};
    const long = Math.min(10, this.history.length || 1);
    return {
      outage: this.outage && { since: round(at - this.outage.at), first: this.outage.first, reopenings: this.outage.reopenings },
      ...(this.state === 'half_open' && { probes: { successes: this.probes.successes, failures: this.probes.failures, needed: this.config.success_threshold } }),
      minute_calls: { ok: this.sumOf(0), failed: this.sumOf(1), rejected: this.sumOf(2) },
      failed_per_second: this.sumOf(1, 10) / long, refused_per_second: this.sumOf(2, 10) / long,
    };
  }

  retryAfter(at) { return this.state === 'open' ? Math.max(0, this.changedAt + this.openedFor - at) : null; }

  explainState(at, named) { return this.explainAlone(at, named) + this.explainFleet(at); }

  explain(at, named) {
    if (this.mode !== 'observe') return this.explainState(at, named);
    const calls = sumOf(this.wouldReject);
    return `observed: ${this.explainState(at, named)}${calls ? `; would have rejected ${calls} call${calls === 1 ? '' : 's'}` : ''}`;
  }

  /** The explanation without the mode `observe` and without who gave orders, if that differs. */
  sentence(at, named) {
    const hasNames = named && (this.override !== null || this.overrides.length > 0);
    return this.mode === 'observe' || hasNames ? { sentence: this.explainState(at, false) } : {};
  }

  explainAlone(at, named) {
    const { config, state } = this;
    const lasted = readable(at - this.changedAt);
    const override = this.overrideAt(at, named);
    if (override && override.mode !== 'observe') {
      const what = override.mode === 'disabled' ? ['disabled', 'calls run and are only counted'] : ['forced open', 'every call is refused'];
      return `${what[0]}${override.by ? ` by ${override.by}` : ''} ${override.left === null ? 'until reset' : `for another ${readable(override.left)}`}: ${what[1]}`;
    }
    const { lease } = this.fleetAt(at, this.world?.fleet, false);
    if (state === 'open') {
      const left = this.retryAfter(at);
      if (lease) return `open for ${lasted}: ${this.tripReason.text}; another member probes, for ${readable(lease.left)} at most`;
      return `open for ${lasted}: ${this.tripReason.text}; ${left ? `probes in ${readable(left)}${this.sources(named).cooldown?.startsWith('override') ? ` (${this.sources(named).cooldown})` : ''}` : 'the next call is a probe'}`;
    }
    if (state === 'half_open') {
      return `half-open for ${lasted} after ${this.tripReason?.text ?? ''}: ${this.probes.successes} of ${config.success_threshold} probe successes to close, `
        + `${this.probes.failures} of ${config.half_open_failure_threshold} probe failure to open again, ${this.probes.in_flight} of ${config.half_open_max_calls} in flight${lease ? `; it probes for all members, for another ${readable(lease.left)}` : ''}`;
    }
    if (state === 'recovering') {
      const share = Math.round(this.recoveringShare(at) * 100);
      return `recovering for ${lasted}: ${share}% of the calls run, all in ${readable(config.recovery - (at - this.changedAt))}`;
    }
    const parts = config.failure_threshold === null ? [] : [`${this.inARow} of the ${config.failure_threshold} failures in a row that open it`];
    if (config.failure_rate !== null || config.slow_call_rate !== null) {
      if (this.window.length < config.minimum_calls) parts.push(`${this.window.length} of the ${config.minimum_calls} calls needed before a rate is judged`);
      else {
        for (const [limit, mark, what] of [[config.failure_rate, 'failed', 'failed'], [config.slow_call_rate, 'slow', 'were slow']]) {
          if (limit !== null) parts.push(`${Math.round(this.share(mark) * 1000) / 10}% of the last ${this.window.length} calls ${what}, ${limit * 100}% opens it`);
        }
      }
    }
    return `closed: ${parts.join('; ')}`;
  }

  /** Who gave the order is told only to those who have the token. */
  overrideAt(at, named) {
    if (!this.override) return null;
    const { mode, until, by, number } = this.override;
    return { mode, left: until === null ? null : round(Math.max(0, until - at)), then: until === null ? null : 'normal', by: named ? by : null, number };
  }

  perSecond() { return this.history.slice(-10).reduce((total, point) => total + sumOf(point), 0) / Math.min(10, this.history.length || 1); }

  summary(at, named = false) {
    return {
      name: this.name, state: this.state, mode: this.mode, since: round(at - this.changedAt), retry_after: this.retryAfter(at), probe_due: this.retryAfter(at) === 0, recovering_share: this.recoveringShare(at),
      explanation: this.explain(at, named), ...this.sentence(at, named), failure_rate: this.share('failed'), failure_limit: this.config.failure_rate,
      slow_call_rate: this.config.slow_call === null ? null : this.share('slow'), slow_call_limit: this.config.slow_call_rate,
      consecutive_failures: this.inARow, failure_threshold: this.config.failure_threshold, window_calls: this.window.length,
      minimum_calls: this.config.minimum_calls, in_flight: this.inFlight, started: this.calls.started, failed: this.calls.failure,
      rejected: sumOf(this.rejected), would_reject: sumOf(this.wouldReject), would_open: this.wouldOpen(), ...(this.minute && { minute: this.minute, slow_call: this.config.slow_call }), overridden: this.overrides.length, per_second: this.perSecond(), override: this.overrideAt(at, named), ...this.fleetAt(at, this.world?.fleet, named), point: this.history.at(-1) ?? [0, 0, 0], ...this.newFields(at),
    };
  }

  /** Its log goes only with an answer about it alone. */
  whole(at, alone, named) {
    const { name, state, mode, since, retry_after, probe_due, recovering_share, explanation, failure_rate, slow_call_rate, consecutive_failures, window_calls, in_flight, per_second, override } = this.summary(at, named);
    const site = siteOf(name);
    const other = siteOf(name, 97);
    return {
      name, state, mode, since, epoch: this.epoch, trip_reason: this.tripReason, explanation, ...this.sentence(at, named), retry_after, probe_due, recovering_share, failure_rate, slow_call_rate, consecutive_failures,
      consecutive_successes: this.watches() && this.config.window.calls ? Math.min(this.goodInARow, this.config.window.calls) : null,
      probes: this.probes, window_calls, window_failures: this.window.filter((call) => call.failed).length,
      window_slow_calls: this.window.filter((call) => call.slow).length, in_flight, calls: this.calls, rejected: this.rejected, would_reject: this.wouldReject,
      transitions: sumOf(this.counts), transition_counts: Object.entries(this.counts).map(([key, count]) => ({ from: key.split(' ')[0], to: key.split(' ')[1], count })),
      open_time: round(this.openTime + (state === 'open' ? at - this.changedAt : 0)),
      last_failure: this.lastFailure === null ? null : round(at - this.lastFailure), 
      // While it is closed, good calls are not dated unless they are timed.
      last_success: this.lastSuccess === null || this.calls.success > 0 && state === 'closed' && !this.config.timings ? null : round(at - this.lastSuccess),
      timings: timingsOf(this.timed.filter(([, , failed]) => !failed).map(([, seconds]) => seconds)), failure_timings: timingsOf(this.timed.filter(([, , failed]) => failed).map(([, seconds]) => seconds)),
      would_open: this.wouldOpen(), ...(this.minute && { minute: this.minute }), ...(alone ? this.strip() : {}),
      config: this.config, sources: this.sources(named),
      overrides: this.overrides.map(({ option, value, by, until }) => ({ option, value, by: named ? by : null, left: until === null ? null : round(Math.max(0, until - at)) })),
      decided_by: this.given.stated.length ? site : null, sites: this.conflict ? [site, other] : [site],
      conflicts: this.conflict ? [{ name, decided: { config: this.given, site }, refused: { config: configOf({ failure_threshold: 10, cooldown: 5 }), site: other } }] : [],
      history: { ok: this.history.map((p) => p[0]), failed: this.history.map((p) => p[1]), rejected: this.history.map((p) => p[2]) },
      ...this.newFields(at), ...(this.outage && !this.world?.basic && { outage: { ...this.newFields(at).outage, first: { kind: 'failure_rate', failed: 0, slow: 0, calls: null, hung: 0, share: null, threshold: null, text: this.outage.first } } }), ...(this.error && { last_error: this.error }), ...(alone && !this.world?.basic ? { histories: { 1: this.historyShown(1), 15: this.historyShown(15), 60: this.historyShown(60) }, marks: this.marks } : {}),
      per_second, override, reopenings: this.outage?.reopenings ?? 0, ...this.fleetAt(at, this.world?.fleet, named), ...(alone ? { log: this.log.map((entry) => told(entry, named)) } : {}),
    };
  }
}

class World {
  constructor({ circuits = 0, busy = Infinity, empty = false, shown = Infinity, alone = false, outage = false, basic = false, title = null }) {
    Object.assign(this, { basic, title });
    this.made = Date.now();
    this.boot = randomBytes(8).toString('hex');
    this.orders = 0;
    this.log = [];
    this.refused = [];
    this.ids = 0;
    this.shown = shown;
    this.fleet = alone ? null : { namespace: 'shop-production', engine: 'redis://redis.internal/', member: 'pid-7-3d4e5f', connected: true, since: 0, why: null, members: MEMBERS, disconnects: 0 };
    const entry = (fields) => {
      const made = { id: this.ids += 1, ...fields };
      this.log.push(made);
      this.log.splice(0, this.log.length - 2000);
      return made;
    };
    const cast = empty ? [] : outage ? outageCast() : [...CAST];
    for (let at = cast.length; at < circuits; at += 1) {
      cast.push({ name: `http/host-${String(at).padStart(5, '0')}.example.org`, rate: at - CAST.length < busy ? 1 + (at % 7) : 0, fails: at % 97 === 0 ? 0.9 : at % 13 === 0 ? 0.1 : 0, config: at % 3 ? {} : { failure_rate: 0.5 } });
    }
    this.circuits = new Map(cast.map((part) => [part.name, new Circuit(part, entry)]));
    // It looks as if it had run for a while.
    this.entry = entry;
    const lived = circuits > 2000 ? 3 : 75;
    this.warmth = outage ? 4215 : lived;
    for (const circuit of this.circuits.values()) {
      circuit.world = this;
      if (outage) circuit.fellDown(this.warmth - lived, circuit.down ?? {});
      for (let second = this.warmth - lived + 1; second <= this.warmth; second += 1) circuit.second(second);
      if (circuit.half) { circuit.trip('consecutive_failures', this.warmth - 20, 8, null, 8); circuit.enter('half_open', 'cooldown_over', this.warmth - 6); circuit.probes.successes = 1; }
      if (circuit.recovers) { circuit.trip('consecutive_failures', this.warmth - 60, 8, null, 8); circuit.enter('half_open', 'cooldown_over', this.warmth - 42); circuit.enter('recovering', 'recovered', this.warmth - 40); }
      if (circuit.switched) this.switch(circuit, circuit.switched, circuit.switched.by);
      for (const [option, value, time, by] of circuit.tuned ?? []) circuit.overrideOption(this.warmth, option, value, time, by);
    }
    this.log.sort((a, b) => a.at - b.at);
    this.log.splice(0, this.log.length - (outage ? 2000 : 100));
    this.log.forEach((each, at) => { each.id = at + 1; });
    this.ids = this.log.length;
    this.second = this.warmth;
  }

  uptime() { return this.warmth + (Date.now() - this.made) / 1000; }

  advance() {
    const before = this.ids;
    for (; this.second < Math.floor(this.uptime()); this.second += 1) {
      for (const circuit of this.circuits.values()) {
        circuit.second(this.second + 1);
        circuit.endOverrides(this.second + 1, ({ until }) => until !== null && until <= this.second + 1);
        if (circuit.override?.until && circuit.override.until <= this.second + 1) {
          circuit.orders += 1;
          const isObserve = circuit.override.mode === 'observe';
          circuit.override = null;
          if (!isObserve) circuit.enter('closed', 'override_ended', this.second + 1);
        }
      }
    }
    return this.ids > before;
  }

  /** The connection to the fleet. `since` is kept in the time of `uptime`. */
  fleetShown(named) {
    if (!this.fleet) return null;
    const { engine, member } = this.fleet;
    return { ...this.fleet, engine: named ? engine : null, member: named ? member : null, since: round(this.uptime() - this.fleet.since) };
  }

  /** An order that comes through the fleet, a moment later. */
  switchAll(circuit, order, by) {
    circuit.note(this.uptime(), { kind: 'control', action: order.action, ...(order.option && { option: order.option, value: order.value }), for: order.for, all_members: true, by, text: `${order.action}, all members` });
    setTimeout(() => this.switch(circuit, order, by, false), 200);
  }

  switch(circuit, { action, option, value, for: time, reason }, by, isNoted = true) {
    const at = this.uptime();
    circuit.orders += 1;
    const because = reason ? { reason } : {};
    if (action === 'override') circuit.overrideOption(at, option, value, time, by);
    if (action === 'end_overrides') circuit.endOverrides(at);
    if (action === 'override' || action === 'end_overrides') {
      if (isNoted) circuit.note(at, { kind: 'control', action, ...(option && { option, value }), for: time ?? null, ...because, by, text: action });
      return;
    }
    const words = { force_open: 'forced open', disable: 'disabled', observe: 'observed', reset: 'reset', trip: 'tripped' }[action];
    if (isNoted) circuit.note(at, { kind: 'control', action, for: time ?? null, ...because, by, text: `${words}${time ? ` for ${readable(time)}` : ''}` });
    circuit.override = null;
    if (action === 'force_open') circuit.enter('forced_open', 'forced_open', at);
    if (action === 'disable') circuit.enter('disabled', 'disabled', at);
    if (action === 'reset') circuit.enter('closed', 'reset', at);
    if (action === 'trip' && ['closed', 'half_open', 'recovering'].includes(circuit.state)) circuit.trip('manual', at, 0, null, null);
    const mode = { force_open: 'forced_open', disable: 'disabled', observe: 'observe' }[action];
    if (!mode) return;
    circuit.override = { mode, until: time ? at + time : null, by, number: this.orders += 1 };
  }

  /** How a circuit was before an order, to go back to that if no other order comes. */
  remember(circuit) {
    const { state, override, overrides, outage, tripReason, changedAt, openedFor } = circuit;
    return { name: circuit.name, orders: circuit.orders + 1, before: { state, override, overrides, outage, tripReason, changedAt, openedFor } };
  }

  undo(remembered, by) {
    const failed = [];
    for (const { name, orders, before } of remembered) {
      const circuit = this.circuits.get(name);
      if (!circuit || circuit.orders !== orders) { failed.push({ name, error: 'a later order replaced it, or it has ended' }); continue; }
      const at = this.uptime();
      circuit.tune(at, () => { circuit.overrides = before.overrides; });
      Object.assign(circuit, { override: before.override, orders: circuit.orders + 1 });
      if (circuit.state !== before.state) { circuit.enter(before.state, 'override_ended', at, before.tripReason); Object.assign(circuit, before); }
      circuit.note(at, { kind: 'control', action: 'undo', for: null, by, text: 'undone' });
    }
    return failed;
  }

  worstFirst() {
    const rank = (circuit) => (circuit.state === 'closed' && !circuit.window.some((call) => call.failed) ? 5 : RANKS[circuit.state]);
    const impact = (circuit) => (this.basic ? 0 : circuit.sumOf(2, 10));
    return [...this.circuits.values()].map((circuit) => [rank(circuit), circuit, impact(circuit)]).sort(([a, one, more], [b, other, less]) => a - b || less - more || (one.name < other.name ? -1 : 1)).map(([, circuit]) => circuit);
  }
}

/** As many of `all` as fit in 1 MiB of JSON. */
function fitting(all, limit, show, most = MIB) {
  const parts = [];
  let bytes = 4096;
  for (const circuit of all) {
    const text = JSON.stringify(show(circuit));
    bytes += Buffer.byteLength(text) + 1;
    if (parts.length >= limit || bytes > most) break;
    parts.push(text);
  }
  return parts;
}

export async function startMock({ port = 0, path = '/', token = null, ...options } = {}) {
  const world = new World(options);
  const streams = new Set();
  const base = path.endsWith('/') ? path : `${path}/`;
  const faults = { log: false, tooMany: false };
  let wrongTokens = 0;
  let bytes = 0;
  const undoable = new Map();
  let held = Promise.resolve();
  const sums = () => [0, 1, 2].map((part) => [...world.circuits.values()].reduce((total, circuit) => total + circuit.sumOf(part), 0));
  const newHead = () => {
    const [ok, failed, rejected] = sums();
    const isTrusted = world.title !== null;
    return { service: { title: world.title, version: isTrusted ? '2.31.4' : null, host: isTrusted ? 'web-7.eu-west-1' : null, pid: isTrusted ? 4711 : null, started: round(world.uptime()) }, minute: { ok, failed, rejected } };
  };
  const head = (named) => ({ ...(world.basic ? {} : newHead()), version: '0.1.0', boot: world.boot, wrong_tokens: wrongTokens, refused: world.refused, fleet: world.fleetShown(named), uptime: round(world.uptime()), second: world.second, controls: token !== null, total: world.circuits.size });
  const withParts = (fields, parts) => `${JSON.stringify(fields).slice(0, -1)},"circuits":[${parts.join(',')}]}`;

  const latest = (count, named) => {
    const log = world.log.slice(-count).map((entry) => told(entry, named));
    return { log_from: log.length ? log[0].id : world.ids + 1, log };
  };

  const part = (query, named) => {
    const from = Number(query.get('from') ?? 1);
    const all = world.log.filter((entry) => entry.id >= from);
    return { ...head(named), log_from: from, log: all.slice(0, 500).map((entry) => told(entry, named)), next: all[500]?.id ?? null };
  };

  const list = (query, named) => {
    let all = world.worstFirst();
    if (query.has('name')) all = all.filter((circuit) => circuit.name === query.get('name'));
    if (query.has('contains')) all = all.filter((circuit) => circuit.name.toLowerCase().includes(query.get('contains').toLowerCase()));
    const matching = all.length;
    const after = all.findIndex((circuit) => `5~${circuit.name}` === query.get('after'));
    all = all.slice(after + 1);
    const at = world.uptime();
    const parts = fitting(all, Number(query.get('limit') ?? Infinity), (circuit) => circuit.whole(at, query.has('name'), named));
    return withParts({ ...head(named), matching, next: parts.length < all.length && parts.length ? `5~${all[parts.length - 1].name}` : null, ...latest(20, named) }, parts);
  };

  const snapshot = () => {
    const at = world.uptime();
    const parts = fitting(world.worstFirst(), world.shown, (circuit) => circuit.summary(at), world.basic ? MIB : 16 * MIB);
    return `event: snapshot\ndata: ${withParts({ ...head(false), shown: parts.length, ...latest(20, false) }, parts)}\n\n`;
  };

  /** What was told of each circuit, without what only passing time changes. */
  let sent = new Map();
  const lasting = ({ since, retry_after, explanation, sentence, probe_due, recovering_share, lease, override, outage, ...rest }) =>
    JSON.stringify([rest, override && override.number, outage && outage.reopenings, lease && lease.held_by, explanation.replace(/\d+(\.\d+)?/g, '')]);

  /** The rows that are not as they were told. */
  const changes = () => {
    const at = world.uptime();
    const rows = world.worstFirst().slice(0, world.shown).map((circuit) => circuit.summary(at));
    const now = new Map(rows.map((row) => [row.name, lasting(row)]));
    const changed = rows.filter((row) => sent.get(row.name) !== now.get(row.name));
    const gone = [...sent.keys()].filter((name) => !now.has(name));
    const hasMore = sent.size > 0 && [...now.keys()].some((name) => !sent.has(name));
    sent = now;
    if (hasMore) return snapshot();
    return `event: changes\ndata: ${withParts({ ...head(false), gone, ...latest(20, false) }, changed.map((row) => JSON.stringify(row)))}\n\n`;
  };

  const tell = () => {
    const text = world.basic ? snapshot() : changes();
    bytes += streams.size ? text.length : 0;
    for (const stream of streams) stream.write(text);
  };
  const timer = setInterval(() => {
    const second = world.second;
    if (world.advance() || world.second > second) tell();
  }, 100);

  /** 0 for the token, or no status that refuses. */
  const refusalOf = ({ headers: { authorization } }) => {
    if (faults.tooMany) return 429;
    if (authorization === `Bearer ${token}`) return 0;
    wrongTokens += 1;
    return 401;
  };
  const refuse = (status, answer) => answer(status, { error: status === 429 ? 'there were too many wrong tokens from this address' : 'the token is missing or wrong' }, 'application/json', status === 429 ? { 'Retry-After': '1' } : {});

  const control = async (request, answer) => {
    if (token === null) return answer(404, { error: 'controls are off' });
    if (request.headers['x-breaker-control'] !== '1') return answer(403, { error: 'the header X-Breaker-Control is missing' });
    const refusal = refusalOf(request);
    if (refusal) return refuse(refusal, answer);
    if (request.method === 'GET') return answer(204, '');
    let body = '';
    for await (const chunk of request) body += chunk;
    const order = JSON.parse(body);
    const by = request.socket.remoteAddress;
    if (order.action === 'undo') {
      const known = undoable.get(order.undo);
      if (!known || world.uptime() > known.until) return answer(410, { error: 'it is too late to undo that' });
      undoable.delete(order.undo);
      const failed = world.undo(known.remembered, by);
      answer(200, { done: known.remembered.length - failed.length, failed });
      return tell();
    }
    const keep = (circuits) => {
      if (order.action === 'reset' || world.basic) return {};
      const undo = randomBytes(8).toString('hex');
      undoable.set(undo, { until: world.uptime() + 10, remembered: circuits.map((circuit) => world.remember(circuit)) });
      return { undo };
    };
    if (order.names && !world.basic) {
      const failed = order.names.filter((name) => !world.circuits.has(name)).map((name) => ({ name, error: 'there is no such circuit' }));
      const circuits = order.names.filter((name) => world.circuits.has(name)).map((name) => world.circuits.get(name));
      if (order.action === 'override' && TEXTS[order.option]?.(order.value) === undefined) return answer(422, { error: 'that value is not taken', errors: [`\`${order.option}\` does not take \`${order.value}\``] });
      const kept = keep(circuits);
      for (const circuit of circuits) world.switch(circuit, order, by);
      world.entry({ at: round(world.uptime()), name: '*', kind: 'control', action: order.action, ...(order.option && { option: order.option, value: order.value }), for: order.for ?? null, ...(order.reason && { reason: order.reason }), circuits: circuits.length, by, text: order.action });
      answer(200, { done: circuits.length, failed, ...kept });
      return tell();
    }
    const circuit = world.circuits.get(order.name);
    if (!circuit) return answer(404, { error: 'there is no such circuit' });
    if (order.action === 'override' && TEXTS[order.option]?.(order.value) === undefined) {
      const errors = [`\`${order.option}\` does not take \`${order.value}\``, 'nothing was changed'];
      return answer(422, { error: errors.join('; '), errors });
    }
    if (!['force_open', 'disable', 'observe', 'reset', 'trip', 'override', 'end_overrides'].includes(order.action)) return answer(422, { error: 'there is no such action' });
    if (order.all_members && !world.fleet?.connected) {
      const errors = ['cannot reach the fleet: it is not connected'];
      return answer(422, { error: errors[0], errors });
    }
    const kept = keep([circuit]);
    if (order.all_members) world.switchAll(circuit, order, by);
    else world.switch(circuit, order, by);
    answer(order.all_members ? 202 : 200, { ...circuit.whole(world.uptime(), true, true), ...(order.all_members ? {} : kept) });
    return tell();
  };

  const server = createServer((request, response) => {
    const url = new URL(request.url, 'http://mock');
    const answer = (status, body, type = 'application/json', besides = {}) => {
      response.writeHead(status, { ...besides, 'Content-Type': type, 'X-Content-Type-Options': 'nosniff', 'Cache-Control': 'no-store' });
      response.end(typeof body === 'string' ? body : JSON.stringify(body));
    };
    if (url.pathname === base || url.pathname === base.slice(0, -1)) {
      const nonce = randomBytes(16).toString('base64');
      response.setHeader('Content-Security-Policy', `default-src 'none'; script-src 'nonce-${nonce}'; style-src 'nonce-${nonce}'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`);
      return answer(200, readFileSync(PAGE, 'utf8').replaceAll('{{nonce}}', nonce), 'text/html; charset=utf-8');
    }
    if (url.pathname === `${base}api/circuits` || url.pathname === `${base}api/log`) {
      const named = 'authorization' in request.headers;
      const refusal = named && refusalOf(request);
      if (refusal) return refuse(refusal, answer);
      if (url.pathname === `${base}api/log`) return faults.log ? answer(503, { error: 'the log is out' }) : answer(200, part(url.searchParams, named));
      const written = list(url.searchParams, named);
      return held.then(() => answer(200, written));
    }
    if (url.pathname === `${base}api/histories` && !world.basic) {
      const minutes = Number(url.searchParams.get('minutes'));
      if (![1, 15, 60].includes(minutes)) return answer(400, { error: 'minutes is 1, 15 or 60' });
      const circuits = Object.fromEntries([...world.circuits.values()].map((circuit) => { const { step, ...rest } = circuit.historyShown(minutes); return [circuit.name, rest]; }));
      return answer(200, { ...head(false), step: minutes, next: null, circuits });
    }
    if (url.pathname.startsWith(`${base}api/circuits/`)) {
      const circuit = world.circuits.get(decodeURIComponent(url.pathname.slice(base.length + 13)));
      return circuit ? answer(200, { ...head(false), ...circuit.whole(world.uptime(), true, false) }) : answer(404, { error: 'there is no such circuit' });
    }
    if (url.pathname === `${base}metrics`) return answer(200, 'breaker_up 1\n', 'text/plain');
    if (url.pathname === `${base}api/events`) {
      response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
      if (streams.size === 0) changes();
      response.write(snapshot());
      streams.add(response);
      return request.on('close', () => streams.delete(response));
    }
    if (url.pathname === `${base}api/options`) return answer(200, { options: OPTIONS });
    if (url.pathname === `${base}api/control`) return control(request, answer);
    return answer(404, { error: 'there is no such page' });
  });
  await new Promise((resolve, reject) => { server.once('error', reject); server.listen(port, '127.0.0.1', resolve); });

  return {
    url: `http://127.0.0.1:${server.address().port}${base}`,
    port: server.address().port,
    faults,
    streams: () => streams.size,
    /** The bytes of events so far, before they are compressed. */
    bytes: () => bytes,
    /** Removes a circuit, as an eviction does. */
    evict(name) { world.circuits.delete(name); tell(); },
    state: (name) => world.circuits.get(name)?.state,
    boot: () => world.boot,
    wrongTokens: () => wrongTokens,
    setToken(other) { token = other; },
    /** Says that settings were refused, as after a bad edit of a file. */
    refuse(mistakes) { world.refused = mistakes; tell(); },
    /** Has the fleet lost, or with nothing found again. */
    cutFleet(why = null) {
      const { disconnects } = world.fleet;
      Object.assign(world.fleet, { connected: why === null, why, since: world.uptime(), members: why === null ? MEMBERS : 0, disconnects: disconnects + (why === null ? 0 : 1) });
      tell();
    },
    /** Names the fleet. */
    nameFleet(namespace) { world.fleet.namespace = namespace; tell(); },
    /** Has a circuit ask the fleet to probe, and close because another member probed. */
    recoverElsewhere(name) {
      const circuit = world.circuits.get(name);
      circuit.note(world.uptime(), { kind: 'probe_wanted', text: 'asks the fleet to probe' });
      circuit.enter('closed', 'recovered_elsewhere', world.uptime());
      tell();
    },
    /** Holds lists back, as they are now, until what it returns is called. */
    hold() {
      let go;
      held = new Promise((resolve) => { go = resolve; });
      return () => { held = Promise.resolve(); go(); };
    },
    /** Opens so many circuits at once, and tells once. */
    openMany(count) {
      const all = [...world.circuits.values()].filter((circuit) => circuit.state === 'closed').slice(0, count);
      for (const circuit of all) circuit.trip('consecutive_failures', world.uptime(), 5, null, 5);
      tell();
      return all.map((circuit) => circuit.name);
    },
    /** Opens a circuit as five failures in a row would. */
    open(name) {
      const circuit = world.circuits.get(name);
      circuit.trip('consecutive_failures', world.uptime(), 5, null, 5);
      tell();
    },
    /** Ends the streams as a graceful shutdown does, and then stops. */
    shutDown() {
      for (const stream of streams) stream.end('event: shutdown\ndata: {}\n\n');
      return this.stop();
    },
    stop() {
      clearInterval(timer);
      const closed = new Promise((resolve) => { server.close(resolve); });
      setTimeout(() => server.closeAllConnections(), 50); // after what was written is sent
      return closed;
    },
  };
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const option = (name) => (process.argv.includes(`--${name}`) ? process.argv[process.argv.indexOf(`--${name}`) + 1] : undefined);
  const mock = await startMock({
    port: Number(option('port') ?? 3031), path: option('path'), token: option('token') ?? null, empty: process.argv.includes('--empty'), alone: process.argv.includes('--alone'),
    outage: process.argv.includes('--outage'), basic: process.argv.includes('--basic'), title: option('title') ?? null, busy: Number(option('busy') ?? Infinity),
    circuits: Number(option('circuits') ?? 0), shown: Number(option('shown') ?? Infinity),
  });
  console.log(mock.url);
}
