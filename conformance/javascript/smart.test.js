// The SMART project's JavaScript client (fhirclient) in a real browser, against the hub at the environment's HUB: people
// sign in on the hub's own pages, and axe-core looks at each of these pages as somebody who needs them accessible would.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';

import puppeteer from 'puppeteer-core';

const { HUB, PORT, PASSWORD, LAUNCH, CHROMIUM } = process.env;
const APP = `http://127.0.0.1:${PORT}`;
const { resolve } = createRequire(import.meta.url);
const CLIENT = readFileSync(resolve('fhirclient/build/fhir-client.js'));
const AXE = readFileSync(resolve('axe-core/axe.min.js'), 'utf8');

const authorizing = (options) => `FHIR.oauth2.authorize(${JSON.stringify(options)}).catch(shown)`;
const page = (script) => `<!doctype html><html lang="en"><title>App</title><script src="/fhir-client.js"></script><script>
  const shown = (error) => { document.title = 'fault'; window.told = { fault: String(error.message || error) }; };
  ${script}
</script></html>`;

const ready = `FHIR.oauth2.ready().then(async (client) => {
  window.client = client;
  window.told = { token: client.state.tokenResponse, patient: client.patient.id,
    user: client.user.fhirUser, read: await client.patient.read().then((patient) => patient.id, (error) => error.statusCode) };
  document.title = 'ready';
}).catch(shown)`;

let asked = {};
let server;
let browser;

before(async () => {
  server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url, APP);
    if (pathname === '/fhir-client.js') {
      response.writeHead(200, { 'Content-Type': 'text/javascript' }).end(CLIENT);
      return;
    }
    const launch = { clientId: 'browser-app', redirectUri: `${APP}/done`, pkceMode: 'required', ...asked };
    const body = {
      '/start': () => page(authorizing({ iss: HUB, ...launch })),
      '/launch': () => page(authorizing({ ...launch, iss: searchParams.get('iss'), launch: searchParams.get('launch') })),
      '/done': () => page(ready),
    }[pathname];
    response.writeHead(body ? 200 : 404, { 'Content-Type': 'text/html' }).end(body ? body() : '');
  });
  await new Promise((listening) => { server.listen(Number(PORT), '127.0.0.1', listening); });
  browser = await puppeteer.launch({ executablePath: CHROMIUM, headless: true, args: ['--no-sandbox'] });
});

after(async () => {
  await browser?.close();
  server?.close();
});

const hubOrigin = new URL(HUB).origin;

// A browser of its own for each person; what its console complains of on the hub's pages is kept.
const person = async (language) => {
  const context = await browser.createBrowserContext();
  const tab = await context.newPage();
  await tab.setExtraHTTPHeaders({ 'Accept-Language': language });
  tab.complaints = [];
  tab.on('console', (message) => {
    if (message.type() === 'error' && tab.url().startsWith(hubOrigin)) tab.complaints.push(message.text());
  });
  return tab;
};

const accessible = async (tab) => {
  const found = await tab.evaluate(`${AXE}; axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'] })`);
  assert.deepEqual(found.violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html)}`), [], tab.url());
};

const submit = async (tab, button) => {
  await Promise.all([tab.waitForNavigation({ waitUntil: 'load' }), tab.click(button)]);
};

// Walk the hub's pages as this person until the app has the browser again.
const walk = async (tab, username, { decision = 'allow', without = [], look = true } = {}) => {
  const seen = [];
  while (tab.url().startsWith(hubOrigin)) {
    const form = await tab.$$eval('form', (forms) => forms.map((one) => one.action.split('/').pop()));
    seen.push(form.find((one) => one !== 'language'));
    if (look) await accessible(tab);
    if (form.includes('sign-in')) {
      await tab.type('input[name=username]', username);
      await tab.type('input[name=password]', PASSWORD);
      await submit(tab, 'form[action$="/sign-in"] button');
    } else if (form.includes('patient')) {
      await tab.click('input[type=radio]');
      await submit(tab, 'form:has(input[type=radio]) button');
    } else if (form.includes('consent')) {
      for (const scope of without) await tab.click(`input[value="${scope}"]`);
      await submit(tab, `button[name=decision][value=${decision}]`);
    } else {
      assert.fail(`an unknown page: ${tab.url()} with ${form}`);
    }
    assert.ok(seen.length < 8, seen.join(' '));
  }
  assert.deepEqual(tab.complaints, []);
  return seen;
};

const told = async (tab) => {
  await tab.waitForFunction('document.title === "ready" || document.title === "fault"');
  return tab.evaluate('window.told');
};

const SCOPE = 'openid fhirUser launch/patient offline_access patient/*.rs';

for (const [username, language] of [['patient', 'nl'], ['huisarts', 'en'], ['mantelzorger', 'nl']]) {
  test(`${username} signs in (${language}), consents, and the app reads, refreshes and is then withdrawn`, async () => {
    asked = { scope: SCOPE };
    const tab = await person(language);
    await tab.goto(`${APP}/start`);
    await tab.waitForFunction(`location.origin === ${JSON.stringify(hubOrigin)}`);
    assert.equal(await tab.$eval('html', (html) => html.lang), language);
    const seen = await walk(tab, username);
    assert.equal(seen[0], 'sign-in');
    assert.equal(seen.at(-1), 'consent');
    const first = await told(tab);
    assert.equal(first.fault, undefined);
    assert.match(first.user, /^(Patient|Practitioner|RelatedPerson)\//);
    // The carer's grant names types, and Patient is not among them.
    assert.equal(first.read, username === 'mantelzorger' ? 404 : first.patient);
    assert.deepEqual(new Set(first.token.scope.split(' ')), new Set(SCOPE.split(' ')));

    const plans = await tab.evaluate('client.request("CarePlan?patient=" + client.patient.id, { pageLimit: 0, flat: true })');
    assert.ok(plans.every((plan) => plan.subject.reference === `Patient/${first.patient}`));
    const refreshed = await tab.evaluate('client.refresh().then((state) => state.tokenResponse.access_token)');
    assert.notEqual(refreshed, first.token.access_token);

    await tab.goto(`${new URL(HUB).origin}/auth/granted`);
    await accessible(tab);
    await submit(tab, 'button[name=withdraw]');
    await accessible(tab);
    await tab.goto(`${APP}/done`);
    assert.equal((await told(tab)).read, 401);
    await tab.browserContext().close();
  });
}

test('what a person takes away at the consent is not granted, and not read', async () => {
  asked = { scope: 'openid fhirUser launch/patient patient/Patient.rs patient/Observation.rs' };
  const tab = await person('nl');
  await tab.goto(`${APP}/start`);
  await tab.waitForFunction(`location.origin === ${JSON.stringify(hubOrigin)}`);
  await walk(tab, 'patient', { without: ['patient/Observation.rs'] });
  const { token } = await told(tab);
  assert.ok(!token.scope.includes('Observation'), token.scope);
  const refused = await tab.evaluate('client.request("Observation").then(() => 200, (error) => error.statusCode || error.status)');
  assert.equal(refused, 403);
  await tab.browserContext().close();
});

test('who says no sends the app away with access_denied', async () => {
  asked = { scope: SCOPE };
  const tab = await person('en');
  await tab.goto(`${APP}/start`);
  await tab.waitForFunction(`location.origin === ${JSON.stringify(hubOrigin)}`);
  await walk(tab, 'patient', { decision: 'deny' });
  assert.match((await told(tab)).fault, /access_denied|declined|refused|not allow/i);
  assert.equal(new URL(tab.url()).searchParams.get('error') ?? 'access_denied', 'access_denied');
  await tab.browserContext().close();
});

test('an EHR launch brings its patient, and works once', async () => {
  asked = { scope: 'openid fhirUser launch patient/*.rs' };
  const tab = await person('nl');
  await tab.goto(LAUNCH);
  await tab.waitForFunction(`location.origin === ${JSON.stringify(hubOrigin)}`);
  const seen = await walk(tab, 'huisarts');
  assert.ok(!seen.includes('patient'), 'the launch has the patient already');
  const first = await told(tab);
  assert.equal(first.fault, undefined);
  assert.equal(first.read, first.patient);
  assert.equal(first.token.need_patient_banner, false);
  assert.equal(typeof first.token.smart_style_url, 'string');
  await tab.goto(LAUNCH);
  await tab.waitForFunction('document.title === "fault" || document.title === "ready"');
  assert.match((await told(tab)).fault, /launch|invalid_request/i);
  await tab.browserContext().close();
});

test('every page works with script turned off', async () => {
  asked = { scope: SCOPE };
  const tab = await person('nl');
  await tab.goto(`${APP}/start`);
  await tab.waitForFunction(`location.origin === ${JSON.stringify(hubOrigin)}`);
  await tab.setJavaScriptEnabled(false);
  const address = tab.url();
  await tab.goto(address);
  await walk(tab, 'patient', { look: false });
  await tab.setJavaScriptEnabled(true);
  await tab.goto(tab.url());
  const first = await told(tab);
  assert.equal(first.fault, undefined);
  await tab.browserContext().close();
});
