import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { quoteLongPortNumbers } from '../../src/state/document-text.ts';
import { isObject } from '../../src/state/fields.ts';
import { DocumentReader } from '../../src/state/json-reader.ts';
import type { Task } from '../../src/state/model.ts';
import { Oddities } from '../../src/state/oddities.ts';
import { TaskReader } from '../../src/state/parse-task.ts';
import { TaskRows } from '../../src/state/task-rows.ts';

/** Each task of a list; null where it is left to TaskReader. */
function scanned(text: string, pieceSize = 1000): (Task | null)[] {
  const document = new DocumentReader((json) => {
    const rows = new TaskRows(json.memory);
    rows.begin({});
    return json.elements(rows);
  });
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += pieceSize) document.add(bytes.subarray(at, at + pieceSize));
  const texts = (JSON.parse(text) as unknown[]).map((value) => JSON.stringify(value));
  return document.end().list.map((task, i) => {
    if (typeof task !== 'string') return task;
    assert.equal(JSON.stringify(JSON.parse(task)), texts[i], 'the text of the element');
    return null;
  });
}

/** What TaskReader makes of the same tasks; null where it has something to say about one. */
function parsed(text: string): (Task | null)[] {
  const odd = new Oddities();
  const reader = new TaskReader(odd);
  return (JSON.parse(quoteLongPortNumbers(text)) as unknown[]).map((value) => {
    const task = isObject(value) ? reader.readTask(value) : null;
    return odd.discard() ? null : task;
  });
}

const USUAL = {
  id: 'web.instance-1._app.1',
  name: 'web',
  slave_id: 'S1',
  state: 'TASK_RUNNING',
  framework_id: 'F',
  resources: { cpus: 0.1, ports: '[31000-31001, 31005-31005]' },
  statuses: [
    { state: 'TASK_STARTING', timestamp: 1, labels: [] },
    {
      state: 'TASK_RUNNING',
      timestamp: 1795916644.998382,
      healthy: false,
      container_status: {
        container_id: { value: 'c' },
        network_infos: [
          { ip_addresses: [{ protocol: 'IPv4', ip_address: '9.0.0.1' }, { ip_address: 'fd01::1' }], name: 'n' },
          { ip_address: '10.0.0.1', port_mappings: [{ host_port: 1 }] },
        ],
      },
    },
  ],
  container: { type: 'MESOS', network_infos: [{ name: 'dual', port_mappings: [{}] }] },
  discovery: {
    visibility: 'FRAMEWORK',
    name: 'wéb "1"',
    ports: { ports: [{ number: 31000, protocol: 'tcp', name: 'http' }] },
  },
  labels: [{ key: '\n', value: '\\' }],
};

describe('tasks read from the octets', () => {
  it('are what TaskReader makes of them', () => {
    const others = [
      {
        statuses: [],
        discovery: { ports: { ports: [{ labels: { labels: [{ key: 'network-scope', value: 'host' }] } }] } },
      },
      { statuses: [{ state: 'TASK_RUNNING', container_status: { network_infos: [{ ip_addresses: [] }, {}] } }] },
      { resources: { ports: '' }, container: {} },
      { container: { docker: { port_mappings: [{}] } } },
    ];
    const { id, name, slave_id, state } = USUAL;
    const list = [USUAL, USUAL, ...others.map((other) => ({ id, name, slave_id, state, ...other }))];
    const text = JSON.stringify(list);
    const tasks = scanned(text);
    assert.ok(tasks.every((task) => task !== null));
    assert.deepEqual(tasks, parsed(text));
    assert.deepEqual(scanned(JSON.stringify(list, null, '\t')), tasks, 'white space means nothing');
  });

  it('keep the digits of port numbers', () => {
    const text =
      '[{"id":"","name":"","slave_id":"","state":"","discovery":{"ports":{"ports":[{"number":9007199254740993}]}}}]';
    assert.deepEqual(scanned(text)[0]?.discovery?.ports, [{ number: '9007199254740993', protocol: '', name: '' }]);
  });

  it('share what is equal', () => {
    const [one, other] = scanned(JSON.stringify([USUAL, USUAL]));
    assert.equal(one?.discovery, other?.discovery);
    assert.equal(one?.ports, other?.ports);
  });

  const text = fc.constantFrom('"a"', '"b"', '"é"', '"TASK_RUNNING"', '"[1-2, 4-4]"', '""', '"\\u0041"');
  const odd = fc.constantFrom(
    'null',
    '5',
    '"x"',
    '[]',
    '{}',
    '[[]]',
    'false',
    '[{}]',
    '[null]',
    '-1',
    '1e999',
    '17.25e-1',
  );
  const number = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true, min: 0 }).map(String),
    fc.tuple(fc.nat(), fc.bigInt(0n, 10n ** 20n)).map(([whole, fraction]) => `${whole}.${fraction}`),
    fc.bigInt(0n, 2n ** 64n).map(String),
  );

  /** @param always what stands in all of them, before the others */
  function object(members: Readonly<Record<string, fc.Arbitrary<string>>>, always: readonly string[] = []) {
    const one = fc.oneof(
      ...Object.entries(members).map(([key, value]) => {
        const escaped = `\\u00${key.charCodeAt(0).toString(16)}${key.slice(1)}`;
        return fc.tuple(
          fc.oneof({ weight: 20, arbitrary: fc.constant(key) }, fc.constant(escaped)),
          fc.oneof({ weight: 20, arbitrary: value }, odd),
        );
      }),
      fc.tuple(fc.constant('other'), odd),
    );
    return fc
      .array(one, { maxLength: 5 })
      .map((list) => `{ ${[...always, ...list.map(([key, value]) => `"${key}": ${value}`)].join(' ,')}}`);
  }

  const list = (element: fc.Arbitrary<string>) =>
    fc.array(element, { maxLength: 3 }).map((all) => `[ ${all.join(' ,')}]`);
  const network = object({ ip_addresses: list(object({ ip_address: text })), ip_address: text, port_mappings: odd });
  const status = object(
    {
      timestamp: number,
      labels: list(object({ key: text, value: text })),
      healthy: fc.constantFrom('true', 'false'),
      check_status: odd,
      container_status: object({ network_infos: list(network) }),
    },
    ['"state": "TASK_STAGING"'],
  );
  const discovery = object({
    name: text,
    ports: object({ ports: list(object({ number, protocol: text })) }),
    visibility: text,
  });
  const task = object(
    {
      framework_id: text,
      resources: object({ ports: text }),
      statuses: list(status),
      discovery,
      container: object({ network_infos: list(network), docker: object({ port_mappings: odd }) }),
    },
    ['"id":"i"', '"name":"n"', '"slave_id":"s"', '"state":"TASK_RUNNING"'],
  );

  it('are what TaskReader makes of them, or left to it, whatever they are', () => {
    let readCount = 0;
    fc.assert(
      fc.property(list(task), (document) => {
        const expected = parsed(document);
        for (const [i, read] of scanned(document).entries()) {
          if (read === null) continue;
          readCount += 1;
          assert.deepEqual(read, expected[i]);
        }
      }),
      { numRuns: 3000 },
    );
    assert.ok(readCount > 500, `${readCount} were read`);
  });
});
