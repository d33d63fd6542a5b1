// Tables built whole, which the core writes for the most part, hold what those hold that the host has written name by name.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Config } from '../../src/config/config.ts';
import { Arena } from '../../src/engine/arena.ts';
import { ARENA_BASE, LIST_ABOVE_MAX, LIST_NAMES_MAX, SERVICES_MAX, TABLE_ALIGN } from '../../src/engine/contract.ts';
import { type CoreBuild, compileCore, instantiateCore } from '../../src/engine/core.ts';
import { createCoreAnswerer } from '../../src/engine/core-answerer.ts';
import { createMemory, currentTableView, growTo } from '../../src/engine/memory.ts';
import { Table } from '../../src/engine/table.ts';
import { deriveRecords } from '../../src/records/derive.ts';
import { RecordIndex } from '../../src/records/record-index.ts';
import type { RecordSet } from '../../src/records/record-set.ts';
import { LiveCluster } from '../../src/state/live-cluster.ts';
import type { MesosState } from '../../src/state/model.ts';
import { aState, historyAddresses, sorted } from '../support/histories.ts';
import { deriveInput, discoveryModel, frameworkModel, runningStatus, stateOf, taskModel } from '../support/states.ts';
import { answerData, decodeReply, query, recordSet, SOA, TCP, tableInput } from '../support/zone.ts';

async function builder(build: CoreBuild) {
  const module = await compileCore(build);
  const memory = createMemory();
  const core = instantiateCore(module, memory);
  const answerer = createCoreAnswerer({ module, memory, worker: 0, seed: 9n });
  /** A table in an arena that begins anew, so that it comes to lie where others were. */
  return (records: RecordSet | null) => {
    const arena = new Arena(ARENA_BASE, TABLE_ALIGN, (end) => growTo(memory, end));
    const table = Table.build({ core, memory, arena }, tableInput(records), 1);
    return { table, answerer, publish: () => Atomics.store(currentTableView(memory), 0, table.header.address) };
  };
}

type Built = ReturnType<Awaited<ReturnType<typeof builder>>>;

function namesOf({ as, aaaas, srvs, aliases }: RecordSet): Set<string> {
  return new Set([as, aaaas, srvs, aliases].flatMap((map) => [...map.keys()]));
}

/** The same zone, each name written by the host. */
function byName(built: Built, records: RecordSet): void {
  const changes = { records, names: namesOf(records), pointers: new Set(records.ptrs.keys()), soa: SOA };
  built.table.change(changes, 2);
}

function observe({ answerer, table, publish }: Built, asked: Iterable<string>): unknown {
  publish();
  const answers = [...asked].flatMap((name) =>
    (['A', 'AAAA', 'SRV'] as const).map((type) => {
      const reply = decodeReply(answerer.answer(query(name.slice(0, -1), type), TCP));
      const data = answerData(reply).map((value) => JSON.stringify(value));
      const extra = reply.additionals.map((record) => JSON.stringify(record));
      return [name, type, reply.rcodeNumber, data.sort(), extra.sort()];
    }),
  );
  const notes = [table.unwritable, table.cut, table.overlong].map((texts) => [...texts].sort());
  return [table.nameCount, notes, answers];
}

/** Names that can be asked for; those of which none is above another one in more than one spelling. */
function askable(names: Iterable<string>): string[] {
  const labels = (name: string) => name.slice(0, -1).split('.');
  return [...names].filter(
    (name) =>
      name.endsWith('.mesos.') &&
      name.length <= 254 &&
      /^[!-~]+$/.test(name) &&
      labels(name).every((label) => label.length > 0 && label.length < 64),
  );
}

const LONG = `${'a'.repeat(61)}.${'b'.repeat(61)}.${'c'.repeat(61)}.`;
const LONGEST = `${LONG}${'d'.repeat(254 - LONG.length - 7)}.mesos.`;
/** Names below more others than a list remembers. */
const HOSTS = Array.from({ length: 3 * LIST_NAMES_MAX }, (_, i) => `h${i}.f${i % (2 * LIST_ABOVE_MAX)}.mesos.`);
const HOST_LINES = HOSTS.flatMap((name, i) => [
  `${name} A 10.0.${i >> 8}.${i & 255}`,
  ...(i % 5 === 0 ? [`${name} A 10.1.0.1`] : []),
  ...(i % 7 === 0 ? [`${name} AAAA fd00::${i.toString(16)}`] : []),
  ...(i % 11 === 0 ? [`${name} AAAA fd01::1`] : []),
]);
const ODD_HOST_LINES = [
  `${LONGEST} A 10.2.0.1`,
  `x${LONGEST} A 10.2.0.2`,
  `${'e'.repeat(63)}.mesos. A 10.2.0.3`,
  `${'e'.repeat(64)}.mesos. A 10.2.0.4`,
  'empty..mesos. A 10.2.0.5',
  '.mesos. A 10.2.0.5',
  'ünïcode.mesos. A 10.2.0.6',
  'mesos. A 10.2.0.7',
  'f3.mesos. A 10.2.0.8',
  'deep.er.than.h1.f1.mesos. A 10.2.0.9',
  'a.other. A 10.2.0.10',
  'text.mesos. A host',
  'text.mesos. A 010.0.0.1',
  'mapped.mesos. A ::ffff:10.2.0.11',
  'six.mesos. AAAA FD00:0:0::1',
  'six.mesos. AAAA fd00::1',
  'six.mesos. AAAA 10.0.0.1',
  '_under.mesos. A 10.2.0.12',
  '_under.mesos. SRV h1.f1.mesos.:1',
  'both.mesos. A 10.2.0.13',
  'both.mesos. SRV h2.f2.mesos.:2',
];
const CAPITAL_LINES = ['H1.F1.mesos. A 10.3.0.1', 'Cap.mesos. A 10.3.0.2', '_S0._tcp.mesos. SRV Cap.mesos.:3'];
const ALIAS_LINES = [
  'al.mesos. ALIAS h1.f1.mesos.',
  'h3.f3.mesos. ALIAS h4.f4.mesos.',
  'al.ias.mesos. ALIAS _s0._tcp.mesos.',
];
const SERVICE_LINES = HOSTS.slice(0, 2 * LIST_NAMES_MAX).flatMap((name, i) => [
  `_s${i}._tcp.mesos. SRV ${name}:${i}`,
  ...(i % 3 === 0 ? [`_s${i}._tcp.mesos. SRV ${name}:${i + 1}`, `_s${i}._tcp.mesos. SRV ${HOSTS[i + 1]}:65535`] : []),
]);
const MANY = '_many._tcp.mesos.';
const MANY_LINES = Array.from({ length: SERVICES_MAX + 1 }, (_, i) => `${MANY} SRV ${HOSTS[i % 20]}:${i}`);
const CROWD_LINES = Array.from({ length: 5000 }, (_, i) => `crowd.mesos. A 10.4.${i >> 8}.${i & 255}`);
const ODD_SERVICE_LINES = [
  ...['', '+80', '-0', '-1', '080', '65536', '1234567', '8o', ':80'].map(
    (port) => `_port${port}.mesos. SRV h1.f1.mesos.:${port}`,
  ),
  ...[
    'h1.f1.mesos',
    '.',
    '',
    'h1..mesos.',
    'H1.f1.mesos.',
    'nowhere.mesos.',
    'a.other.',
    'ünïcode.mesos.',
    LONGEST,
    'mesos.',
  ].flatMap((target, i) => [`_target${i}._tcp.mesos. SRV ${target}:80`, `_all._tcp.mesos. SRV ${target}:8${i}`]),
  '_case._tcp.mesos. SRV H1.f1.mesos.:80',
  '_case._tcp.mesos. SRV h1.f1.mesos.:80',
  '_text._tcp.mesos. SRV text.mesos.:80',
  '_crowd._tcp.mesos. SRV crowd.mesos.:5051',
  '_crowd._udp.mesos. SRV h1.f1.mesos.:5051',
  '_crowd._udp.mesos. SRV crowd.mesos.:5051',
  'plain-service.mesos. SRV h1.f1.mesos.:80',
  'h5.f5.mesos. SRV h1.f1.mesos.:80',
];
const PARTS = [
  HOST_LINES,
  ODD_HOST_LINES,
  CAPITAL_LINES,
  ALIAS_LINES,
  SERVICE_LINES,
  MANY_LINES,
  CROWD_LINES,
  ODD_SERVICE_LINES,
];

for (const build of ['release', 'debug'] as const) {
  describe(`a table built whole by the ${build} core`, async () => {
    const whole = await builder(build);
    const empty = await builder(build);

    function compare(lines: readonly string[]): void {
      const records = recordSet(lines);
      const built = whole(records);
      const grown = empty(recordSet([]));
      byName(grown, records);
      const asked = [
        ...askable(namesOf(records)),
        'f1.mesos.',
        'tcp.mesos.',
        '_tcp.mesos.',
        'er.than.h1.f1.mesos.',
        'no.mesos.',
      ];
      assert.deepEqual(observe(built, asked), observe(grown, asked));
    }

    it('holds what one holds that was written name by name, with all that is unusual', () => {
      for (const parts of [
        [0, 4],
        [0, 1, 4, 5, 6, 7],
        [0, 1, 3, 4, 5, 6, 7],
        [0, 1, 2, 3, 4, 5, 6, 7],
        [1, 7],
        [7],
        [2],
        [],
      ]) {
        compare(parts.flatMap((part) => PARTS[part] ?? []));
      }
    });

    it('does so whatever is in it, in whatever order', () => {
      const lines = PARTS.map((part) => fc.shuffledSubarray([...part].slice(0, 400)));
      fc.assert(
        fc.property(fc.tuple(...lines), fc.subarray(PARTS.map((_, i) => i)), (parts, used) =>
          compare(used.flatMap((part) => parts[part] ?? [])),
        ),
        { numRuns: build === 'release' ? 40 : 5 },
      );
    });
  });
}

describe('canonical names that are written as they were derived', () => {
  const OWN = { dottedNames: false };
  const SURROUNDINGS = { hostAddresses: historyAddresses, masters: [], nameServerAddresses: [], warn: () => undefined };

  function recordsOf(cluster: LiveCluster, config: Partial<Config>): RecordSet {
    cluster.takeChanges();
    return new RecordIndex(deriveInput(cluster.toState(), config).config, cluster, SURROUNDINGS).records;
  }

  for (const config of [
    OWN,
    { ...OWN, slaveNamedPorts: true, reverseDNSOn: true },
    { ...OWN, healthAware: true },
    {},
  ]) {
    it(`make the table that looking up each makes: ${JSON.stringify(config)}`, async () => {
      const [derived, lookedUp] = [await builder('release'), await builder('release')];
      let apartCount = 0;
      let aliasedCount = 0;
      fc.assert(
        fc.property(aState, (state) => {
          const cluster = LiveCluster.from(state);
          const [records, others] = [recordsOf(cluster, config), recordsOf(cluster, config)];
          const asked = askable(namesOf(others));
          assert.equal(others.apart, null);
          const built = derived(records);
          if ((records.apart?.own.names.length ?? 0) > 0) {
            apartCount += 1;
            if (records.aliases.size > 0) aliasedCount += 1;
          }
          assert.deepEqual(observe(built, asked), observe(lookedUp(others), asked));
        }),
        { numRuns: 300 },
      );
      // Many have names that are their tasks' own, those with aliases too.
      if (!('healthAware' in config)) assert.ok(apartCount > 30, `${apartCount} of 300`);
      if (!('dottedNames' in config)) assert.ok(aliasedCount > 10, `${aliasedCount} of 300`);
    });
  }

  const sameId = ['c0-0000', 'c0-0001'].map((id) =>
    frameworkModel({ id, tasks: [taskModel({ id: 'one', name: 'web', ports: [{ begin: 1, end: 2 }] })] }),
  );
  const canonical = 'web-y2q1d-s0';
  const LONG_NAME = 'long'.repeat(15);
  const CASES: readonly (readonly [string, MesosState])[] = [
    ['come twice', stateOf([], { frameworks: sameId })],
    [
      'are the label of another task',
      stateOf([taskModel({ id: 'a', name: 'web' }), taskModel({ id: 'b', name: canonical })]),
    ],
    ['are too long', stateOf([taskModel({ id: 'a', name: LONG_NAME }), taskModel({ id: 'b', name: 'web' })])],
    [
      'have capital letters',
      stateOf([taskModel({ id: 'a', discovery: discoveryModel('Web', [{ number: '80' }]) }), taskModel({ id: 'b' })]),
    ],
    [
      'look like services',
      stateOf([taskModel({ id: 'a', discovery: discoveryModel('_web._tcp', [{ number: '80' }]) })]),
    ],
    [
      'have an IPv6 address alone, and come twice',
      stateOf(
        ['10.0.0.1', 'fd00::1'].map((address) =>
          taskModel({
            id: 'a',
            statuses: [runningStatus({ networkAddresses: [address] })],
            ports: [{ begin: 1, end: 1 }],
          }),
        ),
      ),
    ],
  ];
  for (const [what, state] of CASES) {
    it(`make the same table where they ${what}`, async () => {
      const records = recordsOf(LiveCluster.from(state), OWN);
      const expected = deriveRecords(deriveInput(state, OWN, { hostAddresses: historyAddresses }));
      const asked = askable(namesOf(expected));
      const built = (await builder('debug'))(records);
      assert.deepEqual(observe(built, asked), observe((await builder('debug'))(expected), asked));
      assert.deepEqual(sorted(records), sorted(expected));
    });
  }
});
