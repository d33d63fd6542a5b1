// The documents that the original refuses, or dies of, for a single odd element: that element is left out or read as far
// as it goes, one warning names it, and everything else is published. Expectations here are written by hand.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deriveRecords } from '../../src/records/derive.ts';
import { parseState } from '../../src/state/parse.ts';
import { corpusInput, fixtureDocument } from '../support/corpus.ts';
import { allRecordLines } from '../support/states.ts';

interface OddDocument {
  readonly document: string;
  /** Records beside those of `usual` below. */
  readonly records: readonly string[];
  /** What the one warning says; null where JSON.parse hides what the original stumbled over. */
  readonly warning: RegExp | null;
  readonly masters?: readonly string[];
  /** Of the usual records, those that the odd element costs. */
  readonly without?: readonly string[];
  readonly framework?: string;
}

const ODD: readonly OddDocument[] = [
  agentWithoutAddress('syn-agent-pid-barev6', 'k4w7a', 'ynrka', /^agent ".*-S2": pid .*@fd00::1:5051/),
  agentWithoutAddress('syn-agent-pid-empty', 'awjka', 'ghton', /^agent ".*-S2": pid ""/),
  agentWithoutAddress('syn-agent-pid-noat', '7986u', 'dp9ak', /^agent ".*-S2": pid "slave\(1\)10.1.0.2:5051"/),
  agentWithoutAddress('syn-agent-pid-object', '1j15k', 'xhbz5', /^agent ".*-S2": pid \{"a":1\}/),
  {
    document: 'syn-agent-pid-missing',
    records: taskLines('a', 'ekk7f'),
    without: ['A slave.mesos. 10.1.0.2'],
    warning: /^agent ".*-S2": has no pid$/,
  },
  {
    document: 'syn-agent-pid-bigport',
    records: [...taskLines('a', '9bn7z'), ...taskLines('b', '3u9e7', { agent: 's2', address: '10.1.0.2' })],
    warning: /^agent ".*-S2": pid .*:70000" has no usable port$/,
  },
  {
    document: 'syn-agent-pid-negport',
    records: [...taskLines('a', 'xbqo5'), ...taskLines('b', 'j7944', { agent: 's2', address: '10.1.0.2' })],
    warning: /^agent ".*-S2": pid .*:-1" has no usable port$/,
  },
  {
    document: 'syn-agent-pid-hostname',
    records: taskLines('a', '13ihw'),
    without: ['A slave.mesos. 10.1.0.2'],
    warning: /^agent ".*-S2": the host of its pid, agent2.example.invalid, has no address$/,
  },
  {
    document: 'syn-null-agent',
    records: taskLines('a', 'wpgn7'),
    without: ['A slave.mesos. 10.1.0.2'],
    warning: /^agent number 2: is null/,
  },
  {
    document: 'syn-framework-pid-null',
    records: [
      ...taskLines('a', 'uyd3w', { framework: 'good' }),
      'A nullpid.mesos. 10.2.0.1',
      ...taskLines('b', 'ccjrc', { framework: 'nullpid' }),
    ],
    framework: 'good',
    warning: /^framework "nullpid": pid null/,
  },
  {
    document: 'syn-ports-no-bracket',
    records: [...taskLines('ok', 't4x7y'), ...taskLines('bad', 'd4yq3').filter((line) => !line.startsWith('SRV'))],
    warning: /^task "task.498.* of framework "marathon": resources.ports has no "\["$/,
  },
  oddTask('name-number', /name is a number/, []),
  oddTask('state-bool', /state is a boolean/, []),
  oddTask('framework-id-number', /framework_id is a number/, taskLines('t', '71n1w')),
  oddTask('discovery-string', /discovery is a string/, taskLines('t', 'ur4uy')),
  oddTask('ports-array', /resources.ports is a list/, taskLines('t', 'am4bm', { services: [] })),
  oddTask('ports-number', /resources.ports is a number/, taskLines('t', 'wzpgm', { services: [] })),
  oddTask('discovery-ports-array', /discovery.ports is a list/, taskLines('t', 'op58q', { services: ['slave 31000'] })),
  oddTask('number-string', /number "80"/, taskLines('t', 'perdk', { services: ['slave 31000'] })),
  oddTask('number-float', null, taskLines('t', 'ke7g7', { services: ['slave 31000', ' 8080'] })),
  oddTask('number-exponent', null, taskLines('t', '169rd', { services: ['slave 31000', ' 8000'] })),
  oddTask('visibility-number', /visibility is a number/, taskLines('t', 'p4wxi', { services: ['slave 31000', ' 80'] })),
  {
    document: 'syn-type-slave-id-number',
    records: [],
    without: ['A slave.mesos. 10.1.0.1', 'A slave.mesos. 10.1.0.2', 'SRV _slave._tcp.mesos. slave.mesos.:5051'],
    warning: /^agent 5: id is a number/,
  },
  {
    document: 'syn-type-tasks-object',
    records: [],
    framework: 'm',
    warning: /^framework "m": tasks is an object/,
  },
  {
    document: 'syn-masters-hostname',
    records: taskLines('a', 'u1ewu'),
    masters: ['10.0.0.2:5050', 'master3.example.invalid:5050'],
    warning: /^master master3.example.invalid:5050/,
  },
  {
    document: 'syn-masters-first-unresolvable',
    records: taskLines('a', 'u1ewu'),
    masters: ['gone.example.invalid:5050', '10.0.0.2:5050'],
    warning: /^master gone.example.invalid:5050/,
  },
];

describe('a document with one odd element', () => {
  for (const odd of ODD) {
    it(`is published but for that: ${odd.document}`, () => {
      const { state, warnings } = parseState(fixtureDocument(odd.document));
      const seen = [...warnings];
      const masters = odd.masters ?? ['10.0.0.1:5050'];
      const records = deriveRecords({ ...corpusInput(state, { masters }), warn: (message) => seen.push(message) });
      const master = odd.masters === undefined ? '10.0.0.1' : '10.0.0.2';
      const expected = usual(master, odd.framework ?? 'marathon').filter((line) => !odd.without?.includes(line));
      // The ids of the tasks named `good` differ from document to document.
      const lines = allRecordLines(records).map((line) => line.replaceAll(/good-\w{5}-s1/g, 'good-HASH-s1'));
      assert.deepEqual(lines.sort(), [...expected, ...odd.records].sort());
      assert.equal(seen.length, odd.warning === null ? 0 : 1);
      if (odd.warning !== null) assert.match(seen[0] ?? '', odd.warning);
    });
  }
});

/** What every one of these documents has: two agents, a framework, a master. */
function usual(master: string, framework: string): string[] {
  return [
    `A leader.mesos. ${master}`,
    `A master.mesos. ${master}`,
    `A master0.mesos. ${master}`,
    'A ns1.mesos. 127.0.0.1',
    'A slave.mesos. 10.1.0.1',
    'A slave.mesos. 10.1.0.2',
    'SRV _leader._tcp.mesos. leader.mesos.:5050',
    'SRV _leader._udp.mesos. leader.mesos.:5050',
    'SRV _slave._tcp.mesos. slave.mesos.:5051',
    `A ${framework}.mesos. 10.2.0.1`,
    `SRV _framework._tcp.${framework}.mesos. ${framework}.mesos.:15101`,
  ];
}

interface TaskLines {
  readonly framework?: string;
  readonly agent?: string;
  /** Null for an agent without address. */
  readonly address?: string | null;
  /** Where services stand and lead to, and at which port: `slave 31000` below "slave", ` 80` below the framework. */
  readonly services?: readonly string[];
}

function taskLines(name: string, hash: string, options: TaskLines = {}): string[] {
  const { framework = 'marathon', agent = 's1', address = '10.1.0.1', services } = options;
  const canonical = `${name}-${hash}-${agent}`;
  const host = (below: string) => `${framework}${below === '' ? '' : `.${below}`}.mesos.`;
  const service = (at: string, to: string, port: string) =>
    ['_tcp', '_udp'].map((protocol) => `SRV _${name}.${protocol}.${host(at)} ${canonical}.${host(to)}:${port}`);
  return [
    ...(address === null ? [] : [name, canonical]).flatMap((label) =>
      ['', 'slave'].map((below) => `A ${label}.${host(below)} ${address}`),
    ),
    ...(services === undefined
      ? [...service('', 'slave', '31000'), ...service('slave', 'slave', '31000')]
      : services.flatMap((text) => {
          const [below = '', port = ''] = text.split(' ');
          return service(below, below, port);
        })),
  ];
}

/** Task a on the good agent, task b on one without address: b's services stay, nothing is known of its host. */
function agentWithoutAddress(document: string, hashOfA: string, hashOfB: string, warning: RegExp): OddDocument {
  return {
    document,
    records: [...taskLines('a', hashOfA), ...taskLines('b', hashOfB, { agent: 's2', address: null })],
    without: ['A slave.mesos. 10.1.0.2'],
    warning,
  };
}

/** One odd task t beside a task `good`. */
function oddTask(name: string, reason: RegExp | null, records: readonly string[]): OddDocument {
  const warning =
    reason === null ? null : new RegExp(`^task "task\\.\\d+\\..*" of framework "marathon": .*${reason.source}`);
  return { document: `syn-type-${name}`, records: [...taskLines('good', 'HASH'), ...records], warning };
}
