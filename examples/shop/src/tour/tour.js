'use strict';
// Reads the story from the server, twice a second, and writes it into the page. All words about steps are the server's.

const OFTEN = 400;
const SELDOM = 2000;
const MARKS = { true: '✓', untrue: '✗' };
const STATES = { next: 'not yet', now: 'on', true: 'came true', untrue: 'did not come true' };

const byId = (id) => document.getElementById(id);

/** An element with text or elements in it. */
function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** Sets a text if it changed, so that a selection in it stays. */
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// ---- Steps ----

/** For each step, the parts that change. */
let steps = [];

function build(views) {
  steps = views.map((view, index) => {
    const parts = {
      mark: h('span', { class: 'mark', 'aria-hidden': 'true' }),
      state: h('span', { class: 'unseen' }),
      value: h('b'), of: h('span'),
      figures: h('dl', { class: 'figures' }),
      missing: h('p', { class: 'missing' }),
    };
    const show = h('button', { type: 'button' }, 'Show this circuit');
    show.addEventListener('click', () => showCircuit(view.circuit));
    const code = view.code.map(({ text, is_marked: isMarked }) => h(isMarked ? 'mark' : 'span', {}, text));
    parts.details = h('details', {},
      h('summary', {}, parts.mark, h('h2', {}, h('span', { class: 'unseen' }, `${index + 1}. `), view.title, parts.state),
        h('span', { class: 'result' }, parts.value, ' ', parts.of)),
      h('div', { class: 'body' },
        h('p', {}, view.what), parts.missing, parts.figures,
        h('div', { class: 'look' }, h('h3', {}, 'In the dashboard'), h('p', {}, view.look), show),
        h('div', { class: 'code' }, h('h3', {}, 'In the code: ', h('code', {}, view.file)), h('pre', {}, h('code', {}, ...code)))));
    parts.item = h('li', { class: 'step' }, parts.details);
    return parts;
  });
  byId('steps').replaceChildren(...steps.map(({ item }) => item));
}

function patch(parts, view, index) {
  parts.item.dataset.state = view.state;
  if (view.state === 'now') parts.item.setAttribute('aria-current', 'step');
  else parts.item.removeAttribute('aria-current');
  write(parts.mark, MARKS[view.state] ?? String(index + 1));
  write(parts.state, `, ${STATES[view.state]}`);
  const isPast = view.state === 'true' || view.state === 'untrue';
  const [first] = view.figures;
  write(parts.value, view.state === 'true' && first ? first.value : '');
  write(parts.of, view.state === 'true' && first ? first.of : isPast ? STATES[view.state] : '');
  write(parts.missing, view.missing ? `It did not come true: ${view.missing}` : '');
  parts.missing.hidden = !view.missing;
  if (parts.figures.children.length !== view.figures.length) {
    parts.figures.replaceChildren(...view.figures.map(() => h('div', {}, h('dt'), h('dd'))));
  }
  view.figures.forEach(({ value, of }, at) => {
    const [dt, dd] = parts.figures.children[at].children;
    write(dt, of);
    write(dd, value);
  });
}

// ---- The dashboard ----

function showCircuit(name) {
  byId('frame').contentWindow.location.replace(`/breakers/#groups=off&circuit=${encodeURIComponent(name)}`);
  const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
  byId('dashboard').scrollIntoView({ behavior: still ? 'auto' : 'smooth', block: 'nearest' });
}

// ---- Pace ----

/** The time that the place began with, to draw what is left of it. */
let whole = 0;
let seen = null;

function paceOf({ place, is_held: isHeld, left }) {
  if (isHeld) return place === 'step' ? 'Held: this step stays as long as you like.' : 'Held: nothing happens until you go on.';
  if (left === null) return place === 'step' ? 'Goes on as soon as this has come true.' : 'Begins as soon as all circuits are closed.';
  const seconds = `${Math.ceil(left)} s`;
  if (place === 'before') return `Everything works. The outage comes in ${seconds}.`;
  if (place === 'after') return `That was the story. It begins again in ${seconds}.`;
  return `Goes on in ${seconds}.`;
}

function show(view) {
  document.body.classList.remove('is-lost');
  if (steps.length !== view.steps.length) build(view.steps);
  view.steps.forEach((step, index) => patch(steps[index], step, index));

  const where = `${view.place} ${view.step}`;
  const isNew = seen?.where !== where;
  if (isNew) turn(view);
  if (isNew || view.left > whole) whole = view.left ?? 0;
  byId('rest').style.setProperty('--share', whole && view.left !== null ? view.left / whole : 0);

  write(byId('pace'), paceOf(view));
  write(byId('hold'), view.is_held ? 'Go on' : 'Hold here');
  byId('hold').classList.toggle('is-on', view.is_held);
  write(byId('next'), view.place === 'before' ? 'Begin now' : 'Next step');
  byId('next').hidden = view.place === 'after';
  if (seen && seen.isHeld !== view.is_held) announce(paceOf(view));
  seen = { where, step: view.step, isHeld: view.is_held };
}

/** Opens the step that is on, and closes the one that was. The others stay as the reader left them. */
function turn({ place, step, steps: views }) {
  const before = seen?.step ?? null;
  if (before !== null) steps[before].details.open = false;
  if (step !== null) steps[step].details.open = true;
  else if (place === 'before') for (const { details } of steps) details.open = false;
  if (step !== null) {
    follow(steps[step].item);
    announce(`Step ${step + 1} of ${views.length}: ${views[step].title}. ${views[step].what}`);
  } else announce(place === 'before' ? 'Everything works. The story begins soon.' : 'That was the story.');
}

/** Where the reader was when the story last moved the page. */
let scrolledTo = 0;

/** Brings a step into view, unless the reader has scrolled since. */
function follow(item) {
  if (Math.abs(scrollY - scrolledTo) > 1) return;
  item.scrollIntoView({ behavior: 'instant', block: 'nearest' });
  scrolledTo = scrollY;
}

function announce(text) { write(byId('announcer'), text); }

// ---- Connection ----

let timer = 0;

async function ask(path, options) {
  const response = await fetch(`/tour/${path}`, { cache: 'no-store', ...options });
  if (!response.ok) throw new Error(`the shop answers ${response.status}`);
  show(await response.json());
}

async function read() {
  clearTimeout(timer);
  let next = OFTEN;
  try {
    await ask('story');
  } catch {
    document.body.classList.add('is-lost');
    write(byId('pace'), 'The shop is closed. This is what was last known.');
    next = SELDOM;
  }
  clearTimeout(timer);
  if (!document.hidden) timer = setTimeout(read, next);
}

function wish(what) {
  scrolledTo = scrollY;
  return ask(what, { method: 'POST', headers: { 'X-Shop-Tour': '1' } }).catch(read);
}

byId('hold').addEventListener('click', () => wish(seen?.isHeld ? 'go-on' : 'hold'));
byId('next').addEventListener('click', () => wish('next'));
byId('again').addEventListener('click', () => wish('again'));
document.addEventListener('visibilitychange', () => { if (!document.hidden) read(); });
read();
