// SIGHUP: the running program goes over to another configuration, or says why it does not.

import assert from 'node:assert/strict';
import { readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { describe, it, type TestContext } from 'node:test';
import { demoCluster } from '../../src/standin/demo-cluster.ts';
import { StandinMaster } from '../../src/standin/master.ts';
import { StandinUpstream } from '../../src/standin/upstream.ts';
import { bestOf } from '../support/best-of.ts';
import { DnsClient, NOERROR, REFUSED } from '../support/dns-client.ts';
import { type Behaviour, encodeAnswer, FakeUpstream } from '../support/fake-upstream.ts';
import { freePort } from '../support/ports.ts';
import { type Program, startProgram } from '../support/program.ts';

interface Running {
  readonly program: Program;
  /** Writes the file with these keys changed and waits for the line about the reload. */
  reload(changes: Readonly<Record<string, unknown>>): Promise<string>;
}

async function running(t: TestContext, keys: Readonly<Record<string, unknown>> = {}): Promise<Running> {
  const { cluster } = demoCluster();
  const master = new StandinMaster(cluster);
  await master.start();
  t.after(() => master.stop());
  master.view.lead(cluster.startTime);
  master.view.recover(true);
  const program = await startProgram(
    { masters: [master.endpoint], externalOn: false, refreshSeconds: 600, ...keys },
    { untilLoaded: true },
  );
  t.after(() => program.stop('SIGKILL'));
  let config: Readonly<Record<string, unknown>> = program.config;
  return {
    program,
    async reload(changes) {
      config = { ...config, ...changes };
      writeFileSync(program.file, JSON.stringify(config));
      const from = program.lines.length;
      program.kill('SIGHUP');
      return program.waitForLine(/main: reload: /, { from });
    },
  };
}

/** @param timeoutMs short only where no answer is expected: a busy machine takes its time */
async function ask(t: TestContext, port: number, host: string, name: string, timeoutMs = 5000) {
  const client = await DnsClient.open({ host, port });
  t.after(() => client.close());
  return client.ask(name, 'A', { timeoutMs, tries: 2 });
}

async function ttlOf(program: Program): Promise<number | undefined> {
  const [answer] = (await program.ask('nginx.marathon.mesos')).answers;
  return answer?.type === 'A' ? answer.ttl : undefined;
}

describe('a reload', { concurrency: 2 }, () => {
  it('changes what answers say: ttl, domain, sources of addresses, SOA', async (t) => {
    const { program, reload } = await running(t, { ttl: 60 });
    const serial = await program.serial();
    assert.match(await reload({ ttl: 7 }), /changed ttl$/);
    assert.equal(await ttlOf(program), 7);
    const changed = await program.serial();
    assert.ok(changed !== null && serial !== null && changed > serial, 'another ttl makes another zone');
    assert.match(await reload({ domain: 'cluster.example' }), /changed domain$/);
    assert.equal((await program.ask('nginx.marathon.cluster.example')).rcode, NOERROR);
    assert.equal((await program.ask('nginx.marathon.mesos')).rcode, REFUSED);
    assert.match(
      await reload({ IPSources: ['host'], SOAMname: 'ns9.cluster.example' }),
      /changed IPSources, SOAMname$/,
    );
    const { answers } = await program.ask('cluster.example', 'SOA');
    assert.equal(answers[0]?.type === 'SOA' ? answers[0].data.mname : '', 'ns9.cluster.example');
    const hosts = await program.ask('search.marathon.cluster.example');
    assert.match(JSON.stringify(hosts.answers), /10\.0\.0\.1/);
  });

  it('leaves the serial where the zone is the same', async (t) => {
    const { program, reload } = await running(t);
    const serial = await program.serial();
    await reload({ setTruncateBit: false, refreshSeconds: 500, timeout: 3 });
    assert.equal(await program.serial(), serial);
    assert.match(await reload({}), /nothing has changed/);
  });

  it('changes where names outside the domain go', async (t) => {
    const upstreams = [];
    for (const address of ['192.0.2.1', '192.0.2.2']) {
      const names = ['www.example.com', 'www.corp.com', 'www.weave.com'];
      const records = Object.fromEntries(
        names.map((name) => [name, [{ type: 'A' as const, name, ttl: 60, data: address }]]),
      );
      const upstream = new StandinUpstream({ records });
      await upstream.start();
      t.after(() => upstream.stop());
      upstreams.push(upstream.endpoint);
    }
    const [one = '', other = ''] = upstreams;
    const { program, reload } = await running(t, { externalOn: true, resolvers: [one] });
    const addressOf = async (name: string) => {
      const [answer] = (await program.ask(name)).answers;
      return answer?.type === 'A' ? answer.data : null;
    };
    assert.equal(await addressOf('www.example.com'), '192.0.2.1');
    await reload({ resolvers: [other] });
    assert.equal(await addressOf('www.example.com'), '192.0.2.2');
    await reload({ zoneResolvers: { 'weave.com': [one], 'corp.com': [one] } });
    assert.equal(await addressOf('www.corp.com'), '192.0.2.1');
    assert.equal(await addressOf('www.example.com'), '192.0.2.2');
    await reload({ zoneResolvers: { 'corp.com': [one] } });
    assert.equal(await addressOf('www.corp.com'), '192.0.2.1');
    assert.equal(await addressOf('www.weave.com'), '192.0.2.2');
    await reload({ externalOn: false });
    assert.equal((await program.ask('www.example.com')).rcode, REFUSED);
  });

  it('goes on counting what is forwarded', async (t) => {
    const upstream = await FakeUpstream.start((query, reply) => reply(encodeAnswer(query)));
    t.after(() => upstream.close());
    const { program, reload } = await running(t, { externalOn: true, resolvers: [upstream.address] });
    const answered = async () => {
      const metrics = await program.metrics();
      const line = new RegExp(
        `^mesos_dns_proxy_request_duration_seconds_count.*${upstream.address}.*NOERROR.* (\\d+)$`,
        'm',
      );
      return Number(line.exec(metrics)?.[1]);
    };
    for (const name of ['a.example', 'b.example', 'c.example']) await program.ask(name);
    // Some are asked again where the machine stands still.
    const before = await answered();
    assert.ok(before >= 3 && before <= upstream.queries.length, `${before} of ${upstream.queries.length}`);
    assert.match(await reload({ forwardPolicy: 'random' }), /changed forwardPolicy$/);
    await program.ask('d.example');
    const after = await answered();
    assert.ok(after > before && after <= upstream.queries.length, `${after} of ${upstream.queries.length}`);
  });

  it('opens and closes sockets where listeners differ, and leaves the others alone', async (t) => {
    const { program, reload } = await running(t);
    const { dnsPort } = program;
    await reload({ listener: ['127.0.0.1', '127.0.0.7'] });
    assert.equal((await ask(t, dnsPort, '127.0.0.7', 'nginx.marathon.mesos')).rcode, NOERROR);
    assert.equal((await program.ask('nginx.marathon.mesos')).rcode, NOERROR);
    assert.equal((await program.ask('ns1.mesos')).answers.length, 2);
    await reload({ listener: '127.0.0.7' });
    await reload({ listener: '127.0.0.1' });
    await assert.rejects(ask(t, dnsPort, '127.0.0.7', 'nginx.marathon.mesos', 1000));
    assert.equal((await program.ask('nginx.marathon.mesos')).rcode, NOERROR);
    await reload({ listener: '0.0.0.0' });
    // Node's own sockets let the kernel choose from which address of a wildcard they answer.
    const anyAddress = program.config['io'] === 'dgram' ? '127.0.0.1' : '127.0.0.9';
    assert.equal((await ask(t, dnsPort, anyAddress, 'nginx.marathon.mesos')).rcode, NOERROR);
    await reload({ listener: '127.0.0.1' });
    const port = await freePort();
    assert.match(await reload({ port }), /changed port$/);
    assert.equal((await ask(t, port, '127.0.0.1', 'nginx.marathon.mesos')).rcode, NOERROR);
    assert.equal((await program.stop()).code, 0);
  });

  it('moves HTTP, and switches DNS off and on', async (t) => {
    const { program, reload } = await running(t);
    const httpPort = await freePort();
    await reload({ httpPort, enumerationOn: false });
    const answer = await fetch(`http://127.0.0.1:${httpPort}/v1/config`);
    assert.equal(((await answer.json()) as { HttpPort: number }).HttpPort, httpPort);
    assert.equal((await fetch(`http://127.0.0.1:${httpPort}/v1/axfr`)).status, 404);
    await reload({ dnsOn: false });
    // What was asked before is still answered, for up to 2 s.
    const isSilent = () =>
      ask(t, program.dnsPort, '127.0.0.1', 'nginx.marathon.mesos', 1000).then(
        () => false,
        () => true,
      );
    await program.waitUntil(isSilent, 'silence of DNS');
    await reload({ dnsOn: true });
    assert.equal((await ask(t, program.dnsPort, '127.0.0.1', 'nginx.marathon.mesos')).rcode, NOERROR);
  });

  it('follows other masters', async (t) => {
    const { program, reload } = await running(t);
    const { cluster } = demoCluster();
    const other = new StandinMaster(cluster);
    await other.start();
    t.after(() => other.stop());
    other.view.lead(cluster.startTime);
    other.view.recover(true);
    const from = program.lines.length;
    await reload({ masters: [other.endpoint] });
    await program.waitForLine(new RegExp(`following master ${other.endpoint}`), { from });
  });

  it('that cannot be done leaves everything as it was, and says so in one line and a metric', async (t) => {
    const { program, reload } = await running(t, { ttl: 60 });
    assert.match(await reload({ ttl: -5 }), /ERROR: main: reload: the configuration stays as it was: .*ttl/);
    assert.match(await reload({ ttl: 5, listener: '192.0.2.77' }), /stays as it was: .*192\.0\.2\.77/);
    assert.match(
      await reload({ listener: '127.0.0.1', httpListener: '192.0.2.77' }),
      /stays as it was: .*192\.0\.2\.77/,
    );
    assert.equal(await ttlOf(program), 60);
    assert.equal(await program.metric('mesos_dns_reload_failed_total'), 3);
    const info = /mesos_dns_reload_version_info\{[^}]*\} 1/g;
    const before = (await program.metrics()).match(info);
    assert.equal(before?.length, 1);
    await reload({ httpListener: '127.0.0.1' });
    assert.equal(await ttlOf(program), 5);
    assert.notDeepEqual((await program.metrics()).match(info), before);
  });

  it('of a file that cannot be read keeps serving, and says so in one line and a metric', async (t) => {
    const { program, reload } = await running(t, { ttl: 60 });
    const text = readFileSync(program.file, 'utf8');
    const attempts = [
      () => writeFileSync(program.file, `${text.slice(0, -1)},`),
      () => writeFileSync(program.file, ''),
      () => unlinkSync(program.file),
    ];
    for (const [i, attempt] of attempts.entries()) {
      attempt();
      const from = program.lines.length;
      program.kill('SIGHUP');
      await program.waitUntil(
        async () => (await program.metric('mesos_dns_reload_failed_total')) === i + 1,
        `failed reload ${i + 1}`,
      );
      const said = program.linesOfItsOwn(from);
      assert.equal(said.length, 1, said.join('\n'));
      assert.match(said[0] ?? '', /ERROR: main: reload: the configuration stays as it was: /);
      assert.equal(await ttlOf(program), 60);
    }
    await reload({ ttl: 8 });
    assert.equal(await ttlOf(program), 8);
    assert.equal(await program.metric('mesos_dns_reload_failed_total'), 3);
  });

  it('changes who may have names forwarded, how they are asked for, and how long answers are kept', async (t) => {
    const honest: Behaviour = (query, reply) => reply(encodeAnswer(query));
    const upstreams = await Promise.all([1, 2].map(() => FakeUpstream.start(honest)));
    t.after(() => Promise.all(upstreams.map((upstream) => upstream.close())));
    const [first, second] = upstreams;
    assert.ok(first !== undefined && second !== undefined);
    const resolvers = [first.address, second.address];
    const { program, reload } = await running(t, { externalOn: true, resolvers, forwardRandomCase: false });
    /** As the second client is told: the first one gets what the upstream said. */
    const keptFor = async (name: string) => {
      await program.ask(name);
      const [answer] = (await program.ask(name)).answers;
      return answer?.type === 'A' ? (answer.ttl ?? Number.NaN) : Number.NaN;
    };
    assert.ok((await keptFor('a.example')) > 50);
    assert.match(await reload({ cacheMaxTtl: 5 }), /changed cacheMaxTtl$/);
    assert.ok((await keptFor('b.example')) <= 5);
    await reload({ allowForward: ['10.0.0.0/8'] });
    assert.equal((await program.ask('a.example')).rcode, REFUSED);
    await reload({ allowForward: ['127.0.0.1'] });
    assert.equal((await program.ask('a.example')).rcode, NOERROR);

    // One after the other; but where the machine stands still, the first one is too late.
    await bestOf(t, { 'asked of the second': 1 }, async (round) => {
      const ofSecond = second.queries.length;
      for (const name of ['c', 'd', 'e']) await program.ask(`${name}${round}.example`);
      return { 'asked of the second': second.queries.length - ofSecond };
    });
    const [ofFirst, ofSecond] = [first.queries.length, second.queries.length];
    await reload({ forwardPolicy: 'random' });
    for (let i = 0; i < 40; i += 1) await program.ask(`${i}.example`);
    assert.ok(first.queries.length > ofFirst && second.queries.length > ofSecond, 'both are asked');
    const inCapitals = () =>
      upstreams
        .flatMap(({ queries }) => queries.flatMap(({ message }) => message.questions ?? []))
        .filter(({ name }) => /[A-Z]/.test(name)).length;
    assert.equal(inCapitals(), 0);
    await reload({ forwardRandomCase: true });
    await program.ask('a-name-of-many-letters.example');
    assert.ok(inCapitals() > 0);
  });

  it('changes what lines of the log look like, in every thread', async (t) => {
    const { program, reload } = await running(t, { externalOn: true });
    for (const line of program.lines) assert.match(line, /^\[/);
    assert.match(await reload({ logFormat: 'journal' }), /^<6>main: reload: changed logFormat$/);
    const from = program.lines.length;
    // Nobody answers there, as the stream thread finds out.
    await reload({ resolvers: ['127.0.0.2:9'] });
    for (let i = 0; i < 5; i += 1) await program.ask(`${i}.example.com`);
    await program.waitForLine(/^<4>forwarder: upstream began to fail/, { from });
  });

  it('says which keys need a restart', async (t) => {
    const { program, reload } = await running(t);
    await reload({ workers: 3, ttl: 9 });
    await program.waitForLine(/WARN: main: reload: workers will have effect after a restart$/);
    assert.equal(await ttlOf(program), 9);
  });
});
