// The tutorial of Mesos-DNS and the examples of its documentation, step by step, with their configuration: ZooKeeper,
// Marathon, nginx once and twice, an application in a group, dig.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import type { Task } from '../../src/standin/model.ts';
import { marathonTaskName, Scheduler } from '../../src/standin/scheduler.ts';
import { StandinUpstream } from '../../src/standin/upstream.ts';
import { requirePackages } from '../support/debian.ts';
import { type Election, startElection } from '../support/election.ts';
import { type Program, startProgram } from '../support/program.ts';
import { TestZooKeeper } from '../support/zookeeper.ts';

const run = promisify(execFile);

describe('the tutorial', () => {
  let zookeeper: TestZooKeeper;
  let election: Election;
  let upstream: StandinUpstream;
  let program: Program;
  /** The tutorial's Marathon calls itself `marathon-0.8.1`, that of the other examples `marathon`. */
  let tutorial: Scheduler;
  let marathon: Scheduler;

  before(async () => {
    await requirePackages('bind9-dnsutils');
    zookeeper = await TestZooKeeper.start();
    election = await startElection(zookeeper, { path: '/mesos' });
    marathon = election.scheduler;
    tutorial = new Scheduler(marathon.cluster, { name: 'marathon-0.8.1', pid: 'scheduler-2@10.0.0.6:15101' });
    upstream = new StandinUpstream();
    await upstream.start();
    tutorial.launch({ name: 'nginx', instances: 1, ports: [{}] });
    program = await startProgram(
      {
        zk: zookeeper.url('/mesos'),
        refreshSeconds: 1, // 60 in the tutorial
        ttl: 60,
        domain: 'mesos',
        resolvers: [upstream.endpoint],
        timeout: 5,
        email: 'root.mesos-dns.mesos',
      },
      { args: ['-v=2'], untilLoaded: true },
    );
  });
  after(async () => {
    await program?.stop();
    await upstream?.stop();
    await election?.close();
    await zookeeper?.stop();
  });

  async function dig(...args: readonly string[]): Promise<string> {
    return (await run('dig', ['@127.0.0.1', '-p', String(program.dnsPort), ...args])).stdout;
  }

  /** The records of dig's answer section, white space evened. */
  async function records(...args: readonly string[]): Promise<readonly string[]> {
    const output = await dig('+noall', '+answer', ...args);
    return output
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split(/\s+/).join(' '))
      .sort();
  }

  /** What dig lists for an application's tasks: their agents' addresses. */
  function addresses(tasks: readonly Task[], name: string): readonly string[] {
    const { agents } = election.ensemble.cluster;
    return tasks.map(({ agentId }) => `${name}. 60 IN A ${agents.get(agentId)?.ip}`).sort();
  }

  async function untilAnswers(count: number, ...args: readonly string[]): Promise<void> {
    await program.waitUntil(async () => (await records(...args)).length === count, `${count} answers to ${args}`);
  }

  it('resolves a task of a framework to its agent', async () => {
    const name = 'nginx.marathon-0.8.1.mesos';
    assert.deepEqual(await records(name), addresses(tutorial.tasks('nginx'), name));
    assert.equal((await records(name)).length, 1);
  });

  it('shows the flags and counts of the tutorial in dig', async () => {
    const output = await dig('nginx.marathon-0.8.1.mesos');
    assert.match(output, /;; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: \d+/);
    assert.match(output, /^;; flags: qr aa rd ra; QUERY: 1, ANSWER: 1, AUTHORITY: 0, ADDITIONAL: [01]$/m);
  });

  it('answers with both tasks once the application is scaled to two', async () => {
    const name = 'nginx.marathon-0.8.1.mesos';
    tutorial.scale('nginx', 2);
    await untilAnswers(2, name);
    assert.deepEqual(await records(name), addresses(tutorial.tasks('nginx'), name));
    assert.match(await dig(name), /^;; flags: qr aa rd ra; QUERY: 1, ANSWER: 2,/m);
  });

  it('answers for an outside name through the resolvers', async () => {
    assert.deepEqual(await records('www.example.com'), ['www.example.com. 300 IN A 192.0.2.80']);
    const hits = await program.metric('mesos_dns_cache_hits_total');
    const output = await dig('www.example.com');
    assert.match(output, /^;; flags: qr rd ra;/m, 'not authoritative');
    assert.ok((await program.metric('mesos_dns_cache_hits_total')) > hits, 'the second answer comes from the cache');
    // Asked again where the machine stands still.
    assert.deepEqual(new Set(upstream.queries.map(({ name }) => name)), new Set(['www.example.com']));
  });

  it('says who is responsible for the zone, as the key email tells', async () => {
    const [soa = ''] = await records('SOA', 'mesos');
    assert.match(soa, /^mesos\. 60 IN SOA ns1\.mesos\. root\.mesos-dns\.mesos\. \d+ 60 600 86400 60$/);
  });

  it('lists both instances of an application in a group, with their ports', async () => {
    const name = 'myapp.dev.marathon.mesos';
    const service = '_myapp.dev._tcp.marathon.mesos.';
    const tasks = marathon.launch({ name: marathonTaskName('/dev/myapp'), instances: 2, ports: [{}] });
    await untilAnswers(2, name);
    assert.deepEqual(await records(name), addresses(tasks, name));

    const services = await records('SRV', service);
    assert.equal(services.length, 2);
    const fields = services.map((line) => line.split(' '));
    for (const [owner, ttl, , type, priority, weight] of fields) {
      assert.deepEqual([owner, ttl, type, priority, weight], [service, '60', 'SRV', '0', '1']);
    }
    assert.deepEqual(fields.map((field) => Number(field[6])).sort(), tasks.flatMap(({ ports }) => ports).sort());
    // Each target leads to its task's agent.
    const targets = await Promise.all(fields.map(async (field) => (await records(field[7] ?? ''))[0]?.split(' ')[4]));
    assert.deepEqual(
      targets.sort(),
      addresses(tasks, name).map((line) => line.split(' ')[4]),
    );
  });

  it('logs every record as documented with -v=2', async () => {
    const [task] = marathon.launch({ name: 'myapp', instances: 1, ports: [{}] });
    const [port] = task?.ports ?? [];
    const target = 'myapp-\\w{5}-s\\d\\.marathon\\.slave\\.mesos\\.';
    const line = `\\[SRV\\]\\t_myapp\\._tcp\\.marathon\\.mesos\\.: ${target}:${port}$`;
    await program.waitForLine(new RegExp(line));
    assert.ok(program.linesMatching(/\[A\]\tnginx\.marathon-0\.8\.1\.mesos\.: 10\.0\.0\.1\d$/).length >= 2);
  });

  it('ends with exit code 0 on SIGTERM', async () => {
    const asked = performance.now();
    assert.equal((await program.stop()).code, 0);
    assert.ok(performance.now() - asked < 10_000);
  });
});
