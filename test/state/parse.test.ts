import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { MesosDnsError } from '../../src/errors.ts';
import { type ParsedState, parseState } from '../../src/state/parse.ts';

function parse(document: object): ParsedState {
  return parseState(JSON.stringify({ leader: 'master@10.0.0.1:5050', ...document }));
}

function parseTask(task: object): ParsedState {
  return parse({ frameworks: [{ id: 'f', name: 'f', tasks: [{ id: 't', name: 't', slave_id: 'a', ...task }] }] });
}

function taskOf(task: object) {
  return parseTask(task).state.frameworks[0]?.tasks[0];
}

function assertRefused(document: string | Uint8Array, reason: RegExp): void {
  assert.throws(
    () => parseState(document),
    ({ code, message }: MesosDnsError) => {
      assert.equal(code, 'ERR_STATE_DOCUMENT');
      assert.match(message, reason);
      assert.doesNotMatch(message, /\n/);
      return true;
    },
  );
}

describe('a state document', () => {
  it('becomes the model', () => {
    const document = {
      version: '1.11.0',
      slaves: [{ id: 'a', hostname: 'h', pid: 'slave(1)@[fd00::1]:5051', active: false }],
      recovered_slaves: [{ id: 'gone-S1' }],
      frameworks: [
        {
          id: 'f',
          name: 'marathon',
          pid: 'scheduler@10.2.0.1:15101',
          hostname: 's',
          tasks: [
            {
              id: 't',
              name: 'web',
              slave_id: 'a',
              state: 'TASK_RUNNING',
              resources: { ports: '[31000-31001, 31005-31005]' },
              statuses: [
                {
                  state: 'TASK_RUNNING',
                  timestamp: 5.5,
                  labels: [
                    { key: 'Docker.NetworkSettings.IPAddress', value: '172.17.0.1' },
                    { key: 'MesosContainerizer.NetworkSettings.IPAddress', value: '172.17.0.2' },
                  ],
                  container_status: {
                    network_infos: [
                      { ip_addresses: [{ ip_address: '172.16.0.1' }, {}], ip_address: '172.16.9.9' },
                      { ip_addresses: [], ip_address: '172.16.0.2' },
                    ],
                  },
                },
              ],
              discovery: { name: 'web.prod', ports: { ports: [{ number: 80, protocol: 'tcp', name: 'http' }, {}] } },
            },
          ],
        },
      ],
    };
    const { state, warnings, oddElementCount } = parse(document);
    assert.deepEqual(state, {
      version: '1.11.0',
      leader: { host: '10.0.0.1', port: '5050' },
      agents: [{ id: 'a', hostname: 'h', active: false, pidHost: 'fd00::1', pidPort: '5051' }],
      recoveredAgentIds: ['gone-S1'],
      frameworks: [
        {
          id: 'f',
          name: 'marathon',
          pid: { host: '10.2.0.1', port: '15101' },
          hostname: 's',
          active: true,
          tasks: [
            {
              id: 't',
              name: 'web',
              agentId: 'a',
              state: 'TASK_RUNNING',
              ports: [
                { begin: 31000, end: 31001 },
                { begin: 31005, end: 31005 },
              ],
              statuses: [
                {
                  state: 'TASK_RUNNING',
                  timestamp: 5.5,
                  networkAddresses: ['172.16.0.1', '172.16.0.2'],
                  dockerAddresses: ['172.17.0.1'],
                  mesosAddresses: ['172.17.0.2'],
                  mapsPorts: false,
                  healthy: null,
                  checkPassed: null,
                },
              ],
              mapsPorts: false,
              discovery: {
                name: 'web.prod',
                ports: [
                  { number: '80', protocol: 'tcp', name: 'http' },
                  { number: '0', protocol: '', name: '' },
                ],
              },
            },
          ],
        },
      ],
    });
    assert.deepEqual(warnings, []);
    assert.equal(oddElementCount, 0);
  });

  it('may have neither agents nor frameworks', () => {
    const { state, warnings } = parse({});
    assert.deepEqual([state.agents, state.frameworks, warnings], [[], [], []]);
    assert.deepEqual(parse({ slaves: null, frameworks: null }).state.agents, []);
  });

  it('may be nested deeply where nobody reads, and have keys that mean something to JavaScript', () => {
    const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
    const text = `{"leader":"master@10.0.0.1:5050","__proto__":{"frameworks":5},"constructor":1,"deep":${deep}}`;
    assert.deepEqual(parseState(text).state.frameworks, []);
    assert.equal(({} as Record<string, unknown>)['frameworks'], undefined);
  });

  it('may be nested deeply where something else is expected', () => {
    const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
    const { warnings } = parseState(`{"leader":"master@10.0.0.1:5050","slaves":[{"id":"a","pid":${deep}}]}`);
    assert.deepEqual(warnings, ['agent "a": pid a deeply nested list is not NAME@HOST:PORT']);
  });

  it('decodes octets that are not UTF-8 one by one', () => {
    const text = '{"leader":"master@10.0.0.1:5050","frameworks":[{"name":"a\xe2\x82b\xf0\x9f\x98\x80\xff"}]}';
    const { state } = parseState(Buffer.from(text, 'latin1'));
    assert.equal(state.frameworks[0]?.name, 'a\ufffd\ufffdb\u{1f600}\ufffd');
  });

  it('has U+FFFD for half of a surrogate pair', () => {
    const { state } = parseState('{"leader":"master@10.0.0.1:5050","frameworks":[{"name":"a\\ud83db\\ud83d\\ude00"}]}');
    assert.equal(state.frameworks[0]?.name, 'a\ufffdb\u{1f600}');
  });
});

describe('an unusable document is refused on one line:', () => {
  const cases = [
    ['nothing', '', /is empty/],
    ['white space', ' \n', /is empty/],
    ['text that is not JSON', '{"leader":\n"master@10.0.0.1:5050"\n,}', /is not JSON/],
    ['a cut document', '{"leader":"master@10.0.0.1:5050","slaves":[{"id":"a\\n', /is not JSON/],
    ['a byte order mark', '\ufeff{"leader":"master@10.0.0.1:5050"}', /is not JSON/],
    ['a list', '[]', /is a list, not an object/],
    ['null', 'null', /is null, not an object/],
    ['no leader', '{}', /names no leader/],
    ['an empty leader', '{"leader":""}', /names no leader/],
    ['a leader that is a number', '{"leader":5}', /the leader 5/],
    ['a leader without name', '{"leader":"10.0.0.1:5050"}', /expected master@IP:PORT/],
    ['a leader without port', '{"leader":"master@10.0.0.1"}', /expected master@IP:PORT/],
    ['a leader without host', '{"leader":"master@:5050"}', /expected master@IP:PORT/],
    ['a leader with two names', '{"leader":"a@b@10.0.0.1:5050"}', /expected master@IP:PORT/],
    ['a leader given as a host name', '{"leader":"master@localhost:5050"}', /expected master@IP:PORT/],
    ['an IPv6 leader without brackets', '{"leader":"master@fd00::1:5050"}', /expected master@IP:PORT/],
    ['agents that are no list', '{"leader":"master@10.0.0.1:5050","slaves":{}}', /slaves that are an object/],
    [
      'frameworks that are no list',
      '{"leader":"master@10.0.0.1:5050","frameworks":"x"}',
      /frameworks that are a string/,
    ],
  ] as const;
  for (const [what, text, reason] of cases) it(what, () => assertRefused(text, reason));

  it('a byte order mark in octets', () => assertRefused(Buffer.from('\ufeff{}'), /is not JSON/));
});

describe('an odd agent', () => {
  const agentsOf = (...slaves: unknown[]) => parse({ slaves });

  it('stays known without address where its pid cannot be read', () => {
    for (const pid of [undefined, null, '', 5, { a: 1 }, 'slave(1)10.0.0.1:1', 'slave(1)@fd00::1:1', 'a@b@c:1']) {
      const { state, warnings } = agentsOf({ id: 'a', pid }, { id: 'b', pid: 'slave(1)@10.0.0.2:5051' });
      assert.deepEqual(
        state.agents.map(({ id, pidHost }) => [id, pidHost]),
        [
          ['a', null],
          ['b', '10.0.0.2'],
        ],
      );
      assert.equal(warnings.length, 1);
      assert.match(warnings[0] ?? '', /^agent "a": /);
    }
  });

  it('keeps its address where only its port cannot be used', () => {
    for (const port of ['70000', '-1', '1 2']) {
      const { state, warnings } = agentsOf({ id: 'a', pid: `slave(1)@10.0.0.1:${port}` });
      assert.deepEqual([state.agents[0]?.pidHost, state.agents[0]?.pidPort], ['10.0.0.1', null]);
      assert.equal(warnings.length, 1);
    }
    for (const port of ['', '0', 'http', '05051', '+1']) {
      const { state, warnings } = agentsOf({ id: 'a', pid: ` slave(1)@10.0.0.1:${port} ` });
      assert.deepEqual([state.agents[0]?.pidPort, warnings], [port, []]);
    }
  });

  it('is left out where it is no object or its id no text', () => {
    const { state, warnings } = agentsOf(null, 'x', { id: 5, pid: 'slave(1)@10.0.0.1:1' });
    assert.deepEqual(state.agents, []);
    assert.deepEqual(warnings, [
      'agent number 1: is null, not an object',
      'agent number 2: is a string, not an object',
      'agent 5: id is a number, not a string',
    ]);
  });
});

describe('an odd framework', () => {
  it('counts as one without pid where that cannot be read', () => {
    for (const pid of [null, '', 'x', 'a@10.0.0.1:99999']) {
      const { state, warnings } = parse({ frameworks: [{ name: 'f', pid, hostname: 'h' }] });
      assert.deepEqual([state.frameworks[0]?.pid, state.frameworks[0]?.hostname], [null, 'h']);
      assert.match(warnings[0] ?? '', /^framework "f": pid/);
    }
  });

  it('is one without name and tasks where it is null, as in the original, and left out without a readable name', () => {
    const { state, warnings } = parse({ frameworks: [null, { name: 5, tasks: [{}] }, { name: 'f', tasks: {} }] });
    assert.deepEqual(
      state.frameworks.map(({ name, tasks }) => [name, tasks]),
      [
        ['', []],
        ['f', []],
      ],
    );
    assert.equal(warnings.length, 3);
  });
});

describe('an odd task', () => {
  it('is left out where its id, name, agent or state is no text', () => {
    for (const field of ['id', 'name', 'slave_id', 'state']) {
      for (const value of [5, true, ['x'], { value: 'x' }]) {
        const { state, warnings } = parseTask({ [field]: value });
        assert.deepEqual(state.frameworks[0]?.tasks, []);
        assert.match(warnings[0] ?? '', new RegExp(`^task .* of framework "f": ${field} is a`));
      }
    }
    assert.equal(taskOf({ id: null, name: null })?.id, '');
  });

  it('keeps what can be read of it', () => {
    for (const task of [
      { framework_id: 5 },
      { resources: [] },
      { resources: { ports: 31000 } },
      { resources: { ports: ['[1-2]'] } },
      { statuses: {} },
      { statuses: ['x'] },
      { statuses: [{ state: 5 }] },
      { statuses: [{ state: 'TASK_RUNNING', timestamp: 'now' }] },
      { statuses: [{ labels: { labels: [] } }] },
      { statuses: [{ container_status: [] }] },
      { statuses: [{ container_status: { network_infos: {} } }] },
      { statuses: [{ container_status: { network_infos: ['x'] } }] },
      { statuses: [{ container_status: { network_infos: [{ ip_addresses: ['x'] }] } }] },
      { statuses: [{ container_status: { network_infos: [{ ip_address: 5 }] } }] },
      { discovery: 'x' },
      { discovery: { name: 5 } },
      { discovery: { visibility: 3 } },
      { discovery: { ports: [] } },
      { discovery: { ports: { ports: {} } } },
      { discovery: { ports: { ports: ['x'] } } },
      { discovery: { ports: { ports: [{ number: '80' }] } } },
      { discovery: { ports: { ports: [{ number: 80.5 }] } } },
      { discovery: { ports: { ports: [{ number: 80, protocol: 6 }] } } },
    ]) {
      const { state, warnings, oddElementCount } = parseTask(task);
      assert.equal(state.frameworks[0]?.tasks.length, 1, JSON.stringify(task));
      assert.equal(warnings.length, 1, JSON.stringify(task));
      assert.equal(oddElementCount, 1);
    }
  });

  it('keeps its other statuses and ports', () => {
    const task = taskOf({
      statuses: [{ timestamp: 'now', state: 'A' }, null, { state: 'B' }],
      discovery: { name: 'n', ports: { ports: [{ number: 'x' }, null, { number: 81 }] } },
    });
    assert.deepEqual(
      task?.statuses.map(({ state }) => state),
      ['B'],
    );
    assert.deepEqual(
      task?.discovery?.ports.map(({ number }) => number),
      ['0', '81'],
    );
  });

  it('is named in one warning, whatever is odd about it, and the warnings are limited', () => {
    const tasks = Array.from({ length: 30 }, (_, i) => ({ id: `t\n${i}`, resources: 5, statuses: 5 }));
    const { warnings, oddElementCount } = parse({ frameworks: [{ name: 'f', tasks }] });
    assert.equal(
      warnings[3],
      'task "t\\n3" of framework "f": resources is a number, not an object; statuses is a number, not a list',
    );
    assert.equal(warnings.length, 21);
    assert.equal(warnings[20], 'and 10 more odd elements');
    assert.equal(oddElementCount, 30);
  });
});

describe('the number of a discovery port', () => {
  const numberOf = (number: string) => {
    const text = `{"leader":"master@10.0.0.1:5050","frameworks":[{"name":"f","tasks":[{"discovery":{"name":"n","ports":{"ports":[{"number": ${number} }]}}}]}]}`;
    return parseState(text).state.frameworks[0]?.tasks[0]?.discovery?.ports[0]?.number;
  };

  it('keeps all digits of 64 bits', () => {
    assert.equal(numberOf('9223372036854775807'), '9223372036854775807');
    assert.equal(numberOf('-9223372036854775808'), '-9223372036854775808');
    assert.equal(numberOf('70000'), '70000');
    assert.equal(numberOf('-0'), '0');
  });

  it('makes the port unreadable beyond that', () => {
    assert.equal(numberOf('9223372036854775808'), undefined);
    assert.equal(numberOf('1e300'), undefined);
  });
});
