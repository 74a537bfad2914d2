// An ordinary JavaScript FHIR client against the hub at the environment's HUB.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';

import { Client } from 'fhir-kit-client';

const client = new Client({ baseUrl: process.env.HUB });

const refusal = async (asked) => {
  try {
    await asked;
  } catch (error) {
    return error.response;
  }
  return assert.fail('This should have been refused');
};

test('capability statement says R4', async () => {
  const statement = await client.capabilityStatement();
  assert.equal(statement.resourceType, 'CapabilityStatement');
  assert.equal(statement.fhirVersion, '4.0.1');
});

test('create, read, vread, update, history, delete', async () => {
  const body = { resourceType: 'Patient', name: [{ family: 'Proefklant', given: ['Cor'] }] };
  const made = await client.create({ resourceType: 'Patient', body });
  assert.ok(made.id);
  const { response } = Client.httpFor(made);
  assert.equal(response.status, 201);
  assert.match(response.headers.get('location'), new RegExp(`/Patient/${made.id}/_history/1$`));

  const read = await client.read({ resourceType: 'Patient', id: made.id });
  assert.equal(read.name[0].family, 'Proefklant');
  await client.update({ resourceType: 'Patient', id: made.id, body: { ...read, birthDate: '1948-08-08' } });
  const first = await client.vread({ resourceType: 'Patient', id: made.id, version: '1' });
  assert.equal(first.birthDate, undefined);
  const history = await client.history({ resourceType: 'Patient', id: made.id });
  assert.deepEqual(history.entry.map((entry) => entry.resource.meta.versionId), ['2', '1']);

  await client.delete({ resourceType: 'Patient', id: made.id });
  const gone = await refusal(client.read({ resourceType: 'Patient', id: made.id }));
  assert.equal(gone.status, 410);
});

test('search by type, compartment and with POST', async () => {
  const found = await client.search({
    resourceType: 'Task',
    searchParams: { status: ['requested,accepted,in-progress'], _sort: '-authored-on', _count: 5 },
  });
  assert.ok(found.entry.length > 0);
  const patient = found.entry[0].resource.for.reference.split('/')[1];
  const compartment = await client.search({
    resourceType: 'CarePlan',
    compartment: { resourceType: 'Patient', id: patient },
  });
  assert.ok(compartment.entry.every((entry) => entry.resource.subject.reference === `Patient/${patient}`));
  const posted = await client.search({
    resourceType: 'Patient',
    searchParams: { _id: patient },
    options: { postSearch: true },
  });
  assert.equal(posted.entry.length, 1);
});

test('pages forward until there are no more, each resource once', async () => {
  let page = await client.search({ resourceType: 'Goal', searchParams: { _count: 9 } });
  const seen = new Set();
  let count = 0;
  while (page) {
    for (const entry of page.entry ?? []) {
      seen.add(entry.resource.id);
      count += 1;
    }
    page = await client.nextPage({ bundle: page });
  }
  assert.ok(count > 18);
  assert.equal(seen.size, count);
});

test('JSON Patch', async () => {
  const body = { resourceType: 'Task', status: 'draft', intent: 'order', description: 'Bellen' };
  const { id } = await client.create({ resourceType: 'Task', body });
  const patched = await client.patch({
    resourceType: 'Task',
    id,
    jsonPatch: [
      { op: 'test', path: '/status', value: 'draft' },
      { op: 'replace', path: '/status', value: 'requested' },
      { op: 'add', path: '/note', value: [{ text: 'Morgen' }] },
    ],
  });
  assert.equal(patched.status, 'requested');
  assert.equal(patched.note[0].text, 'Morgen');
});

test('transaction and batch', async () => {
  const [patient, goal] = [randomUUID(), randomUUID()].map((id) => `urn:uuid:${id}`);
  const entry = [
    {
      fullUrl: goal,
      resource: {
        resourceType: 'Goal',
        lifecycleStatus: 'active',
        description: { text: 'Wandelen' },
        subject: { reference: patient },
      },
      request: { method: 'POST', url: 'Goal' },
    },
    {
      fullUrl: patient,
      resource: { resourceType: 'Patient', name: [{ text: 'Proef' }] },
      request: { method: 'POST', url: 'Patient' },
    },
  ];
  const done = await client.transaction({ body: { resourceType: 'Bundle', type: 'transaction', entry } });
  assert.deepEqual(done.entry.map((one) => one.response.status.slice(0, 3)), ['201', '201']);

  const batch = await client.batch({
    body: {
      resourceType: 'Bundle',
      type: 'batch',
      entry: [
        { request: { method: 'GET', url: 'Patient?_count=1' } },
        { request: { method: 'GET', url: 'Patient/there-is-no-such-patient' } },
      ],
    },
  });
  assert.deepEqual(batch.entry.map((one) => one.response.status.slice(0, 3)), ['200', '404']);
});

test('operations', async () => {
  const everything = await client.operation({
    name: '$everything',
    resourceType: 'Patient',
    id: 'patient-1',
    method: 'GET',
    input: { _count: 10 },
  });
  assert.equal(everything.resourceType, 'Bundle');
});

test('a refusal is an OperationOutcome that says where', async () => {
  const body = { resourceType: 'Patient', gender: 'onbekend' };
  const { status, data } = await refusal(client.create({ resourceType: 'Patient', body }));
  assert.ok(status === 400 || status === 422);
  assert.deepEqual(data.issue[0].expression, ['Patient.gender']);
});
