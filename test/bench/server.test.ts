// The parts of the comparison with other servers that can be tested without running them.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import dns from 'dns-packet';
import { failures } from '../../bench/server/load.ts';
import { parseOptions } from '../../bench/server/options.ts';
import { dnsperfInput, drawQuestions, probeInput } from '../../bench/server/queries.ts';
import { HOT_NAMES, onceNames, RACES, raceZone } from '../../bench/server/race.ts';
import { loadTable, median, verdicts } from '../../bench/server/report.ts';
import { servedZone } from '../../bench/server/zone.ts';

const zone = servedZone({
  TTL: 60,
  Serial: 7,
  RefreshSeconds: 60,
  Mname: 'ns1.mesos.',
  Rname: 'root.ns1.mesos.',
  Domain: 'mesos',
  Records: {
    As: {
      'web.marathon.mesos.': ['10.0.0.1', '10.0.0.2', 'agent-1.example'],
      'web-abcde-s0.marathon.mesos.': ['10.0.0.1'],
    },
    AAAAs: { 'web.marathon.mesos.': ['fd00::1'] },
    SRVs: { '_web._tcp.marathon.mesos.': ['web-abcde-s0.marathon.mesos.:31000'] },
  },
});

describe('the zone of the comparison', () => {
  it('is a master file with an SOA, an NS and every record that can be written', () => {
    assert.equal(
      zone.masterFile,
      [
        'mesos. 86400 IN SOA ns1.mesos. root.ns1.mesos. 7 60 600 86400 86400',
        'mesos. 86400 IN NS ns1.mesos.',
        'web.marathon.mesos. 86400 IN A 10.0.0.1',
        'web.marathon.mesos. 86400 IN A 10.0.0.2',
        'web-abcde-s0.marathon.mesos. 86400 IN A 10.0.0.1',
        'web.marathon.mesos. 86400 IN AAAA fd00::1',
        '_web._tcp.marathon.mesos. 86400 IN SRV 0 1 31000 web-abcde-s0.marathon.mesos.',
        '',
      ].join('\n'),
    );
  });

  it('counts a name once, however many types it has', () => {
    assert.equal(zone.nameCount, 3);
  });
});

describe('the questions of the comparison', () => {
  it('have the shares of their mix', () => {
    const questions = drawQuestions(zone, 'mixed', 10_000);
    const shareOf = (chosen: (question: (typeof questions)[number]) => boolean) =>
      Math.round((questions.filter(chosen).length / questions.length) * 20) / 20;
    assert.equal(
      shareOf(({ type, name }) => type === 'A' && !name.startsWith('no-')),
      0.6,
    );
    assert.equal(
      shareOf(({ type }) => type === 'SRV'),
      0.15,
    );
    assert.equal(
      shareOf(({ type }) => type === 'AAAA'),
      0.1,
    );
    assert.equal(
      shareOf(({ name }) => name.startsWith('no-')),
      0.15,
    );
    assert.ok(drawQuestions(zone, 'a', 1000).every(({ type }) => type === 'A'));
  });

  it('are the same every time', () => {
    assert.deepEqual(drawQuestions(zone, 'mixed', 100), drawQuestions(zone, 'mixed', 100));
  });

  it('are text for dnsperf and messages behind their lengths for the probe', () => {
    const questions = [{ name: 'web.marathon.mesos.', type: 'A' }] as const;
    assert.equal(dnsperfInput(questions), 'web.marathon.mesos. A\n');
    const decoded = dns.streamDecode(Buffer.from(probeInput(questions)));
    assert.deepEqual(decoded.questions, [{ name: 'web.marathon.mesos', type: 'A', class: 'IN' }]);
    assert.equal((decoded.flags ?? 0) & dns.RECURSION_DESIRED, dns.RECURSION_DESIRED);
  });
});

describe('the command line of the comparison', () => {
  it('measures everything in five rounds unless told otherwise', () => {
    const { command, sizes, mixes, servers, rounds } = parseOptions([]);
    assert.deepEqual(
      { command, sizes, mixes, rounds },
      { command: 'load', sizes: ['small', 'large'], mixes: ['a', 'mixed'], rounds: 5 },
    );
    assert.equal(servers.length, 7);
  });

  it('takes lists, numbers and cores', () => {
    const options = parseOptions([
      'latency',
      '--servers',
      'knot,batched',
      '--sizes=large',
      '--rounds',
      '9',
      '--cores',
      '3,2',
    ]);
    const { command, servers, sizes, rounds, serverCore, clientCore } = options;
    assert.deepEqual(
      { command, servers, sizes, rounds, serverCore, clientCore },
      { command: 'latency', servers: ['knot', 'batched'], sizes: ['large'], rounds: 9, serverCore: 3, clientCore: 2 },
    );
  });

  it('has servers of their own in the races of caches', () => {
    const { servers, outstanding } = parseOptions(['miss']);
    assert.deepEqual([servers, outstanding], [['batched', 'unbound', 'dnsmasq', 'dnsmasq150'], 100]);
    assert.deepEqual(parseOptions(['cached', '--servers', 'dnsmasq,echo']).servers, ['echo', 'dnsmasq']);
  });

  for (const args of [
    ['cached', '--servers', 'knot'],
    ['miss', '--sizes', 'small'],
    ['cached', '--mixes', 'a'],
    ['idle', '--mixes', 'a'],
    ['load', '--servers', 'dnsmasq150'],
    ['speed'],
    ['--fast'],
    ['--rounds'],
    ['--rounds', '0'],
    ['--servers', 'bind'],
    ['--cores', '1,1'],
  ]) {
    it(`refuses ${args.join(' ')}`, () => {
      assert.throws(() => parseOptions(args));
    });
  }
});

describe('the races of caches', () => {
  it('have an upstream that knows the hot names, and any name that is asked for once', () => {
    const lines = raceZone().trim().split('\n');
    assert.equal(new Set(lines.filter((line) => line.startsWith('web'))).size, HOT_NAMES);
    assert.ok(lines.includes('*.once.mesos. 86400 IN A 10.1.1.1'));
  });

  it('ask for no name twice, and for names of the same length', () => {
    const names = [
      onceNames('dnsmasq', 1, 1000),
      onceNames('dnsmasq', 2, 1000),
      onceNames('dnsmasq150', 1, 1000),
      onceNames('batched', 1, 1000),
    ].flat();
    assert.equal(new Set(names).size, 4000);
    assert.equal(new Set(names.map(({ length }) => length)).size, 1);
    assert.match(names[0] ?? '', /^[^.]+\.once\.mesos\. A\n$/);
  });

  it('count SERVFAIL and REFUSED as failures', () => {
    const printed = (codes: string) =>
      `  Queries lost: 0 (0.00%)\n\n  Response codes:       ${codes}\n  Average packet size: 1`;
    assert.equal(failures(printed('NOERROR 100 (100.00%)')), 0);
    assert.equal(
      failures(printed('NOERROR 90 (81.82%), SERVFAIL 12 (10.91%), NXDOMAIN 5 (4.55%), REFUSED 3 (2.73%)')),
      15,
    );
  });

  it('say whether our cost is what it shall be at most, and name the rows', () => {
    const rest = { queriesPerSecond: 1, latencyUs: 1, lost: 0, answerSize: 1, memoryOctets: 0, upstreamUs: 0 };
    const turn = (userUs: number) => ({ userUs, systemUs: 0, ...rest });
    const turns = new Map([
      ['batched', [turn(9), turn(10)]],
      ['unbound', [turn(10), turn(10)]],
      ['dnsmasq', [turn(9), turn(8)]],
    ] as const);
    assert.deepEqual(verdicts(turns, { unbound: 1, dnsmasq: 1.1, echo: 1 }), [
      '0.95 × unbound, at most 1.00: holds',
      '1.13 × dnsmasq, at most 1.10: does not hold',
    ]);
    const [head = '', , ours = ''] = loadTable(turns, RACES.miss).split('\n');
    assert.match(head, /CPU µs\/query \| × unbound \| × dnsmasq \|/);
    assert.match(ours, /^\| \*\*mesos-dns\*\*, forwarding \|/);
  });
});

describe('the table of the comparison', () => {
  it('has medians, and ratios taken round by round', () => {
    const rest = { queriesPerSecond: 1, latencyUs: 1, lost: 0, answerSize: 1, memoryOctets: 0, upstreamUs: 0 };
    const turn = (userUs: number) => ({ userUs, systemUs: 0, ...rest });
    const printed = loadTable(
      new Map([
        ['knot', [turn(10), turn(20), turn(30)]],
        ['batched', [turn(5), turn(16), turn(27)]],
      ]),
    );
    const [, , , ours = ''] = printed.split('\n');
    const cells = ours.split('|').map((cell) => cell.trim());
    assert.deepEqual(cells.slice(2, 6), ['16.00', '0.00', '**16.00**', '0.80']);
  });

  it('takes the middle of an odd and of an even number of values', () => {
    assert.equal(median([3, 1, 2]), 2);
    assert.equal(median([4, 1, 2, 3]), 2.5);
  });
});
