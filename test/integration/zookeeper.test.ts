// The program against a real ZooKeeper: it follows changes of the leader within two seconds although it polls once a
// minute, and whatever happens to ZooKeeper, a client that asks all the time gets every answer, and the right one.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { StandinUpstream } from '../../src/standin/upstream.ts';
import { bestOf } from '../support/best-of.ts';
import { type Election, MASTERS, startElection } from '../support/election.ts';
import { freePort } from '../support/ports.ts';
import { type Asked, Probe } from '../support/probe.ts';
import { type Program, startProgram } from '../support/program.ts';
import { relay, silentServer } from '../support/tcp.ts';
import { TestSession, TestZooKeeper } from '../support/zookeeper.ts';

const FOLLOW_LIMIT_MS = 2000;
/** Longer than the session of 10 s that the program asks for. */
const FREEZE_MS = 12_000;
/** One query in so many milliseconds. */
const EVERY_MS = 5;

describe('with a real ZooKeeper', () => {
  let zookeeper: TestZooKeeper;
  let upstream: StandinUpstream;
  const cleanups: (() => Promise<unknown>)[] = [];

  before(async () => {
    zookeeper = await TestZooKeeper.start();
    upstream = new StandinUpstream();
    await upstream.start();
  });
  after(async () => {
    await upstream?.stop();
    await zookeeper?.stop();
  });
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  async function elect(path: string, settings: { readonly sessionTimeoutMs?: number } = {}): Promise<Election> {
    const election = await startElection(zookeeper, { path, ...settings });
    cleanups.push(() => election.close());
    election.scheduler.launch({ name: 'nginx', instances: 2, ports: [{}] });
    return election;
  }

  async function follow(zk: string, keys: Readonly<Record<string, unknown>> = {}): Promise<Program> {
    const program = await startProgram(
      { zk, refreshSeconds: 60, resolvers: [upstream.endpoint], ...keys },
      { untilLoaded: true },
    );
    cleanups.push(() => program.stop());
    return program;
  }

  /** Asks for a task, the leader, a name that the leader change brings, and an outside name, until told to stop. */
  async function watch(program: Program, newcomer: string): Promise<Probe> {
    const names = ['nginx.marathon.mesos', 'leader.mesos', `${newcomer}.marathon.mesos`, 'www.example.com'];
    const questions = names.map((name) => ({ name }));
    return await Probe.start({ port: program.dnsPort, questions, perSecond: 1000 / EVERY_MS });
  }

  /** Nothing lost, nothing wrong; the leader and the newcomer change from old to new once, and never back. */
  function assertFlawless(asked: readonly Asked[], newcomer: string, leaders: readonly [string, string]): void {
    assert.ok(asked.length > 0);
    const answersTo = (name: string) => asked.filter((each) => each.name === name).map(({ answer }) => answer);
    assert.deepEqual(
      asked.filter(({ answer }) => answer === null),
      [],
      'lost',
    );
    assert.deepEqual(changes(answersTo('nginx.marathon.mesos')), ['10.0.0.11 10.0.0.12']);
    assert.deepEqual(changes(answersTo('www.example.com')), ['192.0.2.80']);
    assert.deepEqual(changes(answersTo('leader.mesos')), leaders);
    assert.deepEqual(changes(answersTo(`${newcomer}.marathon.mesos`)), ['NXDOMAIN', '10.0.0.13']);
  }

  /** Has the second master lead and a task appear that only it tells of: the program does not poll meanwhile. */
  async function changeLeader({ ensemble, registration, scheduler }: Election, newcomer: string, to: number) {
    scheduler.launch({ name: newcomer, instances: 1, ports: [{}] });
    const atMs = performance.timeOrigin + performance.now();
    await ensemble.elect(to);
    await registration.settled();
    return atMs;
  }

  async function untilResolved(program: Program, newcomer: string): Promise<void> {
    const name = `${newcomer}.marathon.mesos`;
    await program.waitUntil(async () => (await program.ask(name)).answers.length > 0, `address of ${name}`);
  }

  it('finds the leader', async () => {
    await elect('/found');
    const program = await follow(zookeeper.url('/found'));
    assert.deepEqual(addressesOf(await program.ask('leader.mesos')), [MASTERS[0]]);
    assert.deepEqual(addressesOf(await program.ask('master.mesos')), MASTERS);
    for (const [number, address] of MASTERS.entries()) {
      assert.deepEqual(addressesOf(await program.ask(`master${number}.mesos`)), [address]);
    }
  });

  it('keeps its session in a reload that does not concern it', async () => {
    const election = await elect('/kept');
    const program = await follow(zookeeper.url('/kept'));
    const sessions = () => program.linesMatching(/connected to ZooKeeper/).length;
    const reload = async (keys: Readonly<Record<string, unknown>>, changed: RegExp) => {
      const from = program.lines.length;
      writeFileSync(program.file, JSON.stringify({ ...program.config, ...keys }));
      program.kill('SIGHUP');
      await program.waitForLine(changed, { from });
    };
    await reload({ refreshSeconds: 50, stateTimeoutSeconds: 20 }, /changed refreshSeconds, stateTimeoutSeconds$/);
    // What is followed now hears of the election over the session of before.
    await changeLeader(election, 'newcomer', 1);
    await untilResolved(program, 'newcomer');
    assert.equal(sessions(), 1);
    assert.equal(await program.metric('mesos_dns_leader_source_connected'), 1);

    await reload({ zk: zookeeper.url('/kept').replace('127.0.0.1', 'localhost') }, /changed zk/);
    await program.waitUntil(() => sessions() === 2, 'another session');
    assert.equal(await program.metric('mesos_dns_leader_source_connected'), 1);
  });

  it('answers with what a new leader says less than 2 s after the change, though it polls once a minute', async (test) => {
    const limits = { 'ms to leader.mesos': FOLLOW_LIMIT_MS, "ms to the new leader's task": FOLLOW_LIMIT_MS };
    await bestOf(test, limits, async (round) => {
      const election = await elect(`/elected-${round}`);
      const program = await follow(zookeeper.url(`/elected-${round}`));
      const probe = await watch(program, 'newcomer');
      await sleep(500);
      const changedAtMs = await changeLeader(election, 'newcomer', 1);
      await untilResolved(program, 'newcomer');
      const asked = await everythingAsked(probe);
      assertFlawless(asked, 'newcomer', [MASTERS[0], MASTERS[1]]);
      return {
        'ms to leader.mesos': firstNew(asked, 'leader.mesos') - changedAtMs,
        "ms to the new leader's task": firstNew(asked, 'newcomer.marathon.mesos') - changedAtMs,
      };
    });
  });

  it('answers with what a new leader says less than 2 s after the node of a killed one has gone', async (test) => {
    await bestOf(test, { 'ms after the end of the node': FOLLOW_LIMIT_MS }, async (round) => {
      const path = `/killed-master-${round}`;
      // Long enough for masters that stand still not to be struck off.
      const election = await elect(path, { sessionTimeoutMs: 6000 });
      const program = await follow(zookeeper.url(path));
      const probe = await watch(program, 'newcomer');
      const session = await TestSession.open(zookeeper);
      cleanups.push(() => session.close());
      const nodes = async () => (await session.children(path)).length;
      const before = await nodes();

      election.scheduler.launch({ name: 'newcomer', instances: 1, ports: [{}] });
      await election.ensemble.kill(0);
      await program.waitUntil(async () => (await nodes()) < before, "end of the killed master's session");
      const goneAtMs = performance.timeOrigin + performance.now();
      await untilResolved(program, 'newcomer');
      const asked = await everythingAsked(probe);
      assertFlawless(asked, 'newcomer', [MASTERS[0], MASTERS[1]]);
      return { 'ms after the end of the node': firstNew(asked, 'newcomer.marathon.mesos') - goneAtMs };
    });
  });

  const disasters: readonly { readonly name: string; readonly happen: (server: TestZooKeeper) => Promise<void> }[] = [
    {
      name: 'killed and restarted after 3 s',
      async happen(server) {
        await server.kill();
        await sleep(3000);
        await server.restart();
      },
    },
    {
      name: 'restarted at once',
      happen: (server) => server.restart(),
    },
    {
      name: 'frozen for 12 s',
      async happen(server) {
        server.freeze();
        await sleep(FREEZE_MS);
        server.thaw();
      },
    },
  ];
  for (const [number, { name, happen }] of disasters.entries()) {
    it(`loses no answer while ZooKeeper is ${name}, and follows a change of the leader afterwards`, async () => {
      const path = `/disaster-${number}`;
      const election = await elect(path);
      const program = await follow(zookeeper.url(path));
      const probe = await watch(program, 'newcomer');
      await sleep(200);
      await happen(zookeeper);
      await program.waitUntil(async () => election.registration.isConnected, "return of the masters' sessions");
      // A frozen server takes back sessions that it is about to end.
      await sleep(1000);
      await changeLeader(election, 'newcomer', 1);
      await untilResolved(program, 'newcomer');
      const asked = await everythingAsked(probe);
      assertFlawless(asked, 'newcomer', [MASTERS[0], MASTERS[1]]);
    });
  }

  it('loses no answer while ZooKeeper is dead for good, and answers for the last cluster that it knew', async () => {
    await elect('/dead');
    const between = await relay(zookeeper, '127.0.0.1');
    cleanups.push(() => between.close());
    const program = await follow(`zk://127.0.0.1:${between.port}/dead`, { refreshSeconds: 1 });
    await between.close();
    const probe = await Probe.start({
      port: program.dnsPort,
      questions: [{ name: 'nginx.marathon.mesos' }, { name: 'leader.mesos' }],
      perSecond: 1000 / EVERY_MS,
    });
    await sleep(4000);
    const asked = await everythingAsked(probe);
    assert.deepEqual(new Set(asked.map(({ answer }) => answer)), new Set(['10.0.0.11 10.0.0.12', MASTERS[0]]));
  });

  it('follows with dead hosts in the list, one that refuses and one that says nothing, and when a third one dies', async () => {
    const election = await elect('/hosts');
    const silent = await silentServer();
    const relays = [await relay(zookeeper, '127.0.0.1'), await relay(zookeeper, '127.0.0.1')];
    for (const server of [silent, ...relays]) cleanups.push(() => server.close());
    const ports = [await freePort(), silent.port, ...relays.map(({ port }) => port)];
    const program = await follow(`zk://${ports.map((port) => `127.0.0.1:${port}`).join()}/hosts`);
    const probe = await watch(program, 'newcomer');

    const [used] = relays.filter((server) => server.connections() > 0);
    assert.ok(used !== undefined);
    await used.close();
    // The dead and the silent one may come before the last one in the list: 5 s are given to the latter.
    const [other] = relays.filter((server) => server !== used);
    await program.waitUntil(() => (other?.connections() ?? 0) > 0, 'connection to the last host');
    await changeLeader(election, 'newcomer', 1);
    await untilResolved(program, 'newcomer');
    const asked = await everythingAsked(probe);
    assertFlawless(asked, 'newcomer', [MASTERS[0], MASTERS[1]]);
  });

  it('asks the masters of the file while ZooKeeper cannot be reached, then follows ZooKeeper', async () => {
    const election = await elect('/both');
    const port = await freePort();
    const program = await follow(`zk://127.0.0.1:${port}/both`, { masters: election.ensemble.endpoints });
    assert.deepEqual(addressesOf(await program.ask('nginx.marathon.mesos')), ['10.0.0.11', '10.0.0.12']);
    assert.deepEqual(addressesOf(await program.ask('leader.mesos')), [MASTERS[0]]);

    const probe = await watch(program, 'newcomer');
    const between = await relay(zookeeper, '127.0.0.1', port);
    cleanups.push(() => between.close());
    await program.waitUntil(() => between.connections() > 0, 'connection to ZooKeeper');
    await changeLeader(election, 'newcomer', 1);
    await untilResolved(program, 'newcomer');
    const asked = await everythingAsked(probe);
    assertFlawless(asked, 'newcomer', [MASTERS[0], MASTERS[1]]);
  });
});

/** Stops the probe, once each name has been asked some times more. */
async function everythingAsked(probe: Probe): Promise<readonly Asked[]> {
  return (await probe.stop(40)).asked;
}

/** The answers without repetitions of the one before. */
function changes(answers: readonly (string | null)[]): readonly (string | null)[] {
  return answers.filter((answer, index) => answer !== answers[index - 1]);
}

/** When the first query was sent whose answer differs from the name's first one, Unix milliseconds. */
function firstNew(asked: readonly Asked[], name: string): number {
  const own = asked.filter((each) => each.name === name);
  return own.find(({ answer }) => answer !== own[0]?.answer)?.atMs ?? Number.NaN;
}

function addressesOf({ answers }: Awaited<ReturnType<Program['ask']>>): readonly string[] {
  return answers.flatMap((record) => (record.type === 'A' ? [record.data] : [])).sort();
}
