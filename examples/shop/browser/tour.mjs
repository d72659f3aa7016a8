// Tries the page of the story in a browser, against a shop that runs.
//
//   node examples/shop/browser/tour.mjs <address> [--screenshots directory]
//
// It uses the packages of breaker-dashboard/browser. CHROMIUM is the browser, or else /usr/bin/chromium.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(new URL('../../../breaker-dashboard/browser/test.mjs', import.meta.url));
const { chromium } = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const [address, option, pictures] = process.argv.slice(2);
if (!address || (option && !(option === '--screenshots' && pictures))) {
  console.error('usage: node tour.mjs <address> [--screenshots directory]');
  process.exit(2);
}
if (pictures) mkdirSync(pictures, { recursive: true });

// For machines that do much else. Nothing waits so long where the story works.
const PATIENCE = 60000;
const TITLES = ['An outage', 'A refusal', 'A fallback', 'A recovery', 'An override'];
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] });
const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme: 'light', reducedMotion: 'reduce' });
context.setDefaultTimeout(PATIENCE);
const page = await context.newPage();
const complaints = [];
page.on('console', (message) => { if (['error', 'warning'].includes(message.type())) complaints.push(message.text()); });
page.on('pageerror', (error) => complaints.push(error.stack));

let failed = 0;
async function check(sentence, run) {
  try {
    await run();
    console.log(`ok - ${sentence}`);
  } catch (error) {
    failed += 1;
    console.log(`not ok - ${sentence}: ${error.message.split('\n').slice(0, 3).join(' ')}`);
    // A step that is not true yet says what is missing.
    console.log(await fetch(`${address}/tour/story`).then((answer) => answer.text()).catch(String));
  }
}

const current = page.locator('[aria-current="step"]');
const isOn = (title) => page.waitForFunction((wanted) => document.querySelector('[aria-current="step"] h2')?.textContent.includes(wanted), title);
const isProved = () => page.waitForFunction(() => document.querySelector('[aria-current="step"] .figures dd')?.textContent.match(/[1-9]/));

const isInView = (what) => page.evaluate((selector) => {
  const { top, bottom } = document.querySelector(selector).getBoundingClientRect();
  return top >= 0 && bottom <= innerHeight;
}, what);

/** Asked to go on before a step has come true, the story gives it a few seconds only. */
async function hasComeTrue(at) {
  for (const end = Date.now() + PATIENCE; Date.now() < end; await page.waitForTimeout(100)) {
    const { steps } = await (await fetch(`${address}/tour/story`)).json();
    if (steps[at].has_come_true) return;
  }
  assert.fail(`not within ${PATIENCE} ms`);
}

/** At each width, in both themes: nothing sticks out, and axe finds nothing. */
async function look(name) {
  for (const colorScheme of ['light', 'dark']) {
    for (const width of [360, 900, 1440]) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.setViewportSize({ width, height: 900 });
      if (pictures) await page.screenshot({ path: join(pictures, `${name}-${width}-${colorScheme}.png`) });
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name} sticks out at ${width}`);
    }
    // Runs here, and not through the page: its policy allows no other script.
    const found = await page.evaluate(`(() => { ${axe}; return axe.run(document, { iframes: false, runOnly: ${JSON.stringify(RULES)} }); })()`);
    assert.deepEqual(found.violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`), []);
  }
}

await page.goto(address);
await page.locator('.step').first().waitFor();

await check('the story has five steps', async () => {
  const titles = await page.locator('.step h2').evaluateAll((all) => all.map((title) => title.childNodes[1].textContent));
  assert.deepEqual(titles, TITLES);
});

await check('the dashboard is there, and lives', async () => {
  await page.frameLocator('#frame').locator('html[data-connection="live"]').waitFor();
});

await check('a reader holds the story with the keyboard', async () => {
  await page.locator('#hold').focus();
  if (await page.locator('#hold').textContent() === 'Hold here') await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.querySelector('#hold').textContent === 'Go on');
});

await check('a reader begins again', async () => {
  await page.locator('#again').click();
  await page.waitForFunction(() => document.querySelectorAll('.step[data-state="next"]').length === 5);
  await page.locator('#next').click();
});

for (const [at, title] of TITLES.entries()) {
  await check(`step ${at + 1}, ${title.toLowerCase()}, is marked, proved, and fits every screen`, async () => {
    await isOn(title);
    await isProved();
    assert.equal(await current.count(), 1);
    assert.equal(await current.locator('pre mark').count(), 1);
    assert.ok(await isInView('[aria-current="step"] pre mark'), 'the line of code is not in view');
    assert.ok((await page.locator('#announcer').textContent()).includes(`${title}. `));
    assert.equal(await page.locator('.step[data-state="true"]').count(), at);
    await look(`step-${at + 1}`);
    await hasComeTrue(at);
    await page.locator('#next').click();
  });
}

await check('all steps have come true, and their results stay', async () => {
  await page.waitForFunction(() => document.querySelectorAll('.step[data-state="true"]').length === 5);
  assert.ok((await page.locator('.result').allTextContents()).every((text) => /\d/.test(text)));
});

await check('a click shows the circuit of a step in the dashboard', async () => {
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.locator('.step').nth(1).locator('summary').click();
  await page.locator('.step').nth(1).locator('.look button').click();
  await page.frameLocator('#frame').locator('.row[data-name="payments/card.example"] .detail').waitFor();
});

await check('the story goes on by itself again', async () => {
  await page.locator('#hold').click();
  await page.waitForFunction(() => document.querySelector('#hold').textContent === 'Hold here');
});

await check('the browser had nothing to complain about', async () => assert.deepEqual(complaints, []));

await browser.close();
process.exit(failed ? 1 : 0);
