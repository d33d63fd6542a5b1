// Every document of the corpus under every variant, served by the real service thread and asked over UDP and TCP: the
// answers are the records that Mesos-DNS derives, as its expected file lists them.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import type { Answer } from 'dns-packet';
import type { Config } from '../../src/config/config.ts';
import { Engine } from '../../src/engine/engine.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import type { RecordSet } from '../../src/records/record-set.ts';
import { parseState } from '../../src/state/parse.ts';
import { ServiceSupervisor } from '../../src/workers/supervisor.ts';
import { Zone } from '../../src/zone/zone.ts';
import { loadText } from '../config/support.ts';
import {
  CORPUS_CONFIG,
  type CorpusCase,
  corpusDirectories,
  corpusHostAddresses,
  loadCorpus,
  VARIANTS,
} from '../support/corpus.ts';
import { requirePackages } from '../support/debian.ts';
import { DnsClient, type DnsReply, eachOf, NOERROR, NXDOMAIN } from '../support/dns-client.ts';
import { serviceSettings } from '../support/dns-service.ts';
import { canonicalIPv6, ExpectedZone, fold, type RecordType } from '../support/expected-zone.ts';
import { freePort } from '../support/ports.ts';
import { recordSet, tableInput } from '../support/zone.ts';

/** How Go decodes JSON that no master writes: these documents need only be survived. */
const ONLY_SURVIVED = /^syn-json-(duplicate|key-case)/;
const RECORD_TYPES: readonly RecordType[] = ['A', 'AAAA', 'SRV'];
/** Types that no derived name has. */
const OTHER_TYPES = ['TXT', 'MX', 'PTR'] as const;
const UDP_SIZE = 1232;
const IN_FLIGHT = 64;
/** Longer than this process may stand still, so that only what is lost is sent again. */
const TRY_MS = 5000;
const DIG_NAMES = 40;

/** With records, each document and variant once, where two directories hold it too. */
const CASES: ReadonlyMap<string, readonly CorpusCase[]> = groupByDocument(
  corpusDirectories()
    .flatMap(loadCorpus)
    .filter(({ document, expected }) => expected.axfr !== undefined && !ONLY_SURVIVED.test(document)),
);

describe('DNS answers are the records that Mesos-DNS derives', () => {
  let engine: Engine;
  let service: ServiceSupervisor;
  let client: DnsClient;
  let port: number;
  let queries = 0;

  before(async () => {
    engine = await Engine.create();
    engine.publish(tableInput(recordSet([])));
    service = new ServiceSupervisor({
      settings: serviceSettings({ module: engine.module, memory: engine.memory, port: await freePort() }),
      logger: silentLogger(),
      metrics: createMetrics(),
    });
    const [endpoint] = await service.start();
    assert.ok(endpoint);
    port = endpoint.port;
    client = await DnsClient.open({ host: '127.0.0.1', port });
  });

  after(async () => {
    client.close();
    await service.stop(0);
  });

  it('has documents', () => assert.ok(CASES.size > 80, `${CASES.size}`));

  for (const [document, cases] of CASES) {
    it(`of ${document}`, async () => {
      for (const corpusCase of cases) await assertAnswers(corpusCase);
    });
  }

  it('loses no query', () => {
    assert.ok(queries > 50_000, `${queries} queries`);
    // Loopback drops datagrams only where a process stood still and its buffer ran over.
    assert.ok(client.resent <= queries / 500, `${client.resent} of ${queries} queries were sent again`);
  });

  it('prints the same through dig', async () => {
    await requirePackages('bind9-dnsutils');
    const documents = [...CASES.values()];
    // Documents spread over the corpus, and from each some names spread over its zone.
    for (const [corpusCase] of spread(documents, 8)) {
      assert.ok(corpusCase);
      const zone = await publish(corpusCase);
      const names = zone.names.filter((name) => /^[a-z0-9._-]+$/.test(name));
      await eachOf(spread(names, DIG_NAMES / 8), 2, (name) => assertDigPrints(name, zone));
    }
  });

  /** Publishes the document as the program does, and reads what must be answered from the expected file. */
  async function publish(corpusCase: CorpusCase): Promise<ExpectedZone> {
    const { variant, bytes, expected, masters } = corpusCase;
    const keys = { domain: 'mesos', listener: '127.0.0.1', ttl: 60, refreshSeconds: 1, masters, ...VARIANTS[variant] };
    const { config } = await loadText(JSON.stringify(keys), { names: { localhost: ['127.0.0.1', '::1'] } });
    const records = await publishAsTheProgram(config, bytes, engine);
    assert.ok(expected.axfr);
    const zone = new ExpectedZone(expected.axfr, CORPUS_CONFIG.domain);
    if (corpusCase.document.startsWith('cni/')) addCniAddresses(zone, records);
    for (const [alias, names] of records.aliases) zone.addAlias(alias, names);
    return zone;
  }

  async function assertAnswers(corpusCase: CorpusCase): Promise<void> {
    const zone = await publish(corpusCase);
    const { names, emptyNonTerminals } = zone;
    assert.ok(names.length > 0);
    const present = names.flatMap((name, i) => [...RECORD_TYPES, otherType(i)].map((type) => ({ name, type })));
    const empty = emptyNonTerminals.flatMap((name, i) => ['A', 'SRV', otherType(i)].map((type) => ({ name, type })));
    const missing = [...names, ...emptyNonTerminals]
      .map((name, i) => ({ name: missingName(name, i), type: RECORD_TYPES[i % 3] ?? 'A' }))
      .filter(({ name }) => name.length < 250 && !zone.has(name));
    assert.ok(missing.length > 0);

    const questions = [...present, ...empty, ...missing];
    queries += questions.length * 2;
    const about = `${corpusCase.document} (${corpusCase.variant})`;
    await eachOf(questions, IN_FLIGHT, async ({ name, type }) => {
      const asked = mixedCase(name);
      const overUdp = await client.askUdp(asked, type, { edns: UDP_SIZE, timeoutMs: TRY_MS });
      assertSays(overUdp, asked, type, zone, `${about} over UDP`);
      if (overUdp.truncated) {
        queries += 1;
        assertSays(await client.askTcp(asked, type), asked, type, zone, `${about} over TCP after TC`);
      }
    });
    await eachOf(questions, IN_FLIGHT, async ({ name, type }) => {
      assertSays(await client.askTcp(name, type), name, type, zone, `${about} over TCP`);
    });
  }

  async function assertDigPrints(name: string, zone: ExpectedZone): Promise<void> {
    const dig = promisify(execFile);
    for (const type of RECORD_TYPES) {
      const { stdout } = await dig('dig', ['@127.0.0.1', '-p', String(port), '+short', '-t', type, '-q', name]);
      const printed = stdout.split('\n').filter((line) => line !== '');
      const data = type === 'SRV' ? printed.map(serviceOfDig) : printed;
      assert.deepEqual(sorted(data), sorted(zone.of(name)[type]), `dig ${name} ${type}`);
    }
  }
});

function assertSays(reply: DnsReply, asked: string, type: string, zone: ExpectedZone, about: string): void {
  const what = `${asked} ${type} of ${about}`;
  assert.equal(`${reply.name}.`, asked, `the question of ${what}`);
  assert.equal(reply.rcode, zone.has(asked) ? NOERROR : NXDOMAIN, `the code of ${what}`);
  assert.ok(reply.authoritative, `AA of ${what}`);
  if (reply.transport === 'udp') assert.ok(reply.bytes.length <= UDP_SIZE, `${reply.bytes.length} octets: ${what}`);
  else assert.ok(!reply.truncated, `TC of ${what}`);
  if (reply.truncated) return;

  const wanted = isRecordType(type) ? zone.of(asked)[type] : new Set<string>();
  assert.deepEqual(sorted(reply.answers.map(dataOf)), sorted(wanted), what);
  for (const answer of reply.answers) {
    assert.equal(fold(`${answer.name}.`), fold(asked), `the owner of ${what}`);
    assertPlain(answer, type, what);
  }
  if (wanted.size > 0) {
    assert.deepEqual(reply.authorities, [], `the authority section of ${what}`);
    assertAdditionals(reply, type === 'SRV' ? targetsOf(wanted) : [], zone, what);
  } else {
    assert.deepEqual(
      reply.authorities.map((each) => `${fold(each.name)} ${each.type}`),
      ['mesos SOA'],
      `the authority section of ${what}`,
    );
    assert.deepEqual(reply.additionals, [], `the additional section of ${what}`);
  }
}

/** The addresses of every target: all of them over TCP, and nothing else over either. */
function assertAdditionals(reply: DnsReply, targets: readonly string[], zone: ExpectedZone, what: string): void {
  const wanted = targets.flatMap((target) =>
    (['A', 'AAAA'] as const).flatMap((type) => [...zone.of(target)[type]].map((data) => `${target} ${type} ${data}`)),
  );
  const found = reply.additionals.map((each) => `${fold(`${each.name}.`)} ${each.type} ${dataOf(each)}`);
  for (const each of reply.additionals) assertPlain(each, each.type, what);
  const isWhole = reply.transport === 'tcp' || found.length === wanted.length;
  if (isWhole) assert.deepEqual(sorted(found), sorted(wanted), `the additional section of ${what}`);
  else assert.ok(found.length < wanted.length && found.every((each) => wanted.includes(each)), what);
}

function assertPlain(answer: Answer, type: string, what: string): void {
  assert.equal(answer.type, type, `the type in ${what}`);
  assert.equal('ttl' in answer ? answer.ttl : undefined, 60, `the TTL in ${what}`);
  assert.equal('class' in answer ? answer.class : undefined, 'IN', `the class in ${what}`);
}

function dataOf(answer: Answer): string {
  switch (answer.type) {
    case 'A':
      return answer.data;
    case 'AAAA':
      return canonicalIPv6(answer.data);
    case 'SRV': {
      const { priority, weight, port, target } = answer.data;
      assert.deepEqual({ priority, weight }, { priority: 0, weight: 1 });
      return `${fold(target)}.:${port}`;
    }
    default:
      return answer.type;
  }
}

/** `0 1 31000 target.` */
function serviceOfDig(line: string): string {
  const [priority, weight, port, target = ''] = line.split(' ');
  assert.deepEqual([priority, weight], ['0', '1']);
  return `${fold(target)}:${port}`;
}

function targetsOf(services: ReadonlySet<string>): readonly string[] {
  return [...new Set([...services].map((service) => service.slice(0, service.lastIndexOf(':'))))];
}

/** Through the rooms between the document and the table, in the order of the program. */
async function publishAsTheProgram(config: Config, bytes: Uint8Array, engine: Engine): Promise<RecordSet> {
  const zone = new Zone({
    config,
    engine,
    hosts: { resolve: async () => undefined, lookup: corpusHostAddresses, learn: () => {} },
    guard: { admit: (state) => state, holdsLoss: () => false, noteAwaited: () => undefined },
    masters: () => ({ leader: null, masters: [], source: 'static' }),
    interfaceAddresses: () => ['127.0.0.1'],
    logger: silentLogger(),
    metrics: createMetrics(),
  });
  await zone.update(parseState(bytes).state);
  assert.ok(zone.served);
  return zone.served.records;
}

/** Policy 6: an IPv6 address with a prefix length is that address. Mesos-DNS drops it, so no expected file has it. */
function addCniAddresses(zone: ExpectedZone, { aaaas }: RecordSet): void {
  let count = 0;
  for (const [name, values] of aaaas) {
    const added = values.filter((value) => /^fd00:98::[0-9a-f]+$/.test(value));
    zone.addAaaas(name, added);
    count += added.length;
  }
  assert.ok(count > 0);
}

function groupByDocument(cases: readonly CorpusCase[]): Map<string, CorpusCase[]> {
  const groups = new Map<string, CorpusCase[]>();
  for (const each of cases) {
    const group = groups.get(each.document) ?? [];
    if (group.length === 0) groups.set(each.document, group);
    if (!group.some(({ variant }) => variant === each.variant)) group.push(each);
  }
  return groups;
}

function isRecordType(type: string): type is RecordType {
  return RECORD_TYPES.some((each) => each === type);
}

function otherType(i: number): string {
  return OTHER_TYPES[i % OTHER_TYPES.length] ?? 'TXT';
}

/** A name that hardly exists: below a name that does, beside it, or with a longer first label. */
function missingName(name: string, i: number): string {
  const rest = name.slice(name.indexOf('.'));
  switch (i % 3) {
    case 0:
      return `not-there.${name}`;
    case 1:
      return `not-there${rest}`;
    default:
      return `_${i}._udp.not-there${rest}`;
  }
}

/** Every second letter as a capital: answers must not depend on case, and must spell the question as it came. */
function mixedCase(name: string): string {
  return name.replace(/[a-z]/g, (letter, at: number) => (at % 2 === 0 ? letter.toUpperCase() : letter));
}

/** So many of a list, at equal distances. */
function spread<T>(list: readonly T[], count: number): readonly T[] {
  if (list.length <= count) return list;
  return list.filter((_, i) => Math.floor((i * count) / list.length) !== Math.floor(((i - 1) * count) / list.length));
}

function sorted(items: Iterable<string>): readonly string[] {
  return [...items].sort();
}
