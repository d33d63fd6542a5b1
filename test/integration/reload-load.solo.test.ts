// What 50 reloads cost those who ask meanwhile, 10,000 queries a second: nothing is lost that would not be lost without.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, before, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { demoCluster } from '../../src/standin/demo-cluster.ts';
import { StandinMaster } from '../../src/standin/master.ts';
import { StandinUpstream } from '../../src/standin/upstream.ts';
import { bestOf } from '../support/best-of.ts';
import { type Asked, lostOf, Probe } from '../support/probe.ts';
import { type Program, startProgram } from '../support/program.ts';

const PER_SECOND = 10_000;
/** Each has a port of its own, so that every UDP worker is asked. */
const PROBES = 4;
const RELOADS = 50;
const PAUSE_MS = 100;
/** The program and the probes have to be compiled. */
const WARM_UP_MS = 1500;
const ROUNDS = 5;

const INSIDE = 'nginx.marathon.mesos';
const FOREIGN = 'www.example.com';
const ADDRESSES = ['192.0.2.1', '192.0.2.2'];
/** Each step changes one key; all together they come back to where they began. */
const STEPS: readonly Readonly<Record<string, unknown>>[] = [
  { ttl: 7 },
  { listener: ['127.0.0.1', '127.0.0.7'] },
  { resolvers: 1 },
  { IPSources: ['host'] },
  { domain: 'cluster.example' },
  { listener: ['127.0.0.8', '127.0.0.1'] },
  { ttl: 60 },
  { domain: 'mesos' },
  { resolvers: 0, listener: '127.0.0.1' },
  { IPSources: ['netinfo', 'mesos', 'host'] },
];

let master: StandinMaster;
const upstreams: StandinUpstream[] = [];
let program: Program;

before(async () => {
  const { cluster } = demoCluster();
  master = new StandinMaster(cluster);
  await master.start();
  master.view.lead(cluster.startTime);
  master.view.recover(true);
  for (const data of ADDRESSES) {
    const upstream = new StandinUpstream({ records: { [FOREIGN]: [{ type: 'A', name: FOREIGN, ttl: 60, data }] } });
    await upstream.start();
    upstreams.push(upstream);
  }
  program = await startProgram(
    { masters: [master.endpoint], resolvers: [upstreams[0]?.endpoint], refreshSeconds: 3600 },
    { untilLoaded: true },
  );
});
after(async () => {
  await program?.stop();
  for (const upstream of upstreams) await upstream.stop();
  await master?.stop();
});

it('50 reloads under 10,000 queries a second lose no query that would not be lost without them', async (test) => {
  // A machine that is short of time loses some at all times: the most that a round without reloads has lost counts.
  let lostWithout = 0;
  const round = async () => {
    let durationMs = 0;
    const reloading = await measure(async () => {
      const startMs = performance.now();
      await reloadAgainAndAgain();
      durationMs = performance.now() - startMs;
    });
    const quiet = await measure(() => sleep(durationMs));
    for (const { asked } of [quiet, reloading]) assert.deepEqual(wrong(asked), []);
    lostWithout = Math.max(lostWithout, quiet.lost);
    test.diagnostic(`lost without reloads: ${quiet.lost} of ${quiet.asked.length}`);
    test.diagnostic(`lost in ${RELOADS} reloads: ${reloading.lost} of ${reloading.asked.length}`);
    return {
      'queries lost more': reloading.lost - lostWithout,
      // Whether the probes keep up with half of the pace.
      'of the pace missed': 1 - (reloading.asked.length * 1000) / (PER_SECOND * durationMs),
    };
  };
  await bestOf(test, { 'queries lost more': 1, 'of the pace missed': 0.5 }, round, { rounds: ROUNDS });
});

async function measure(meanwhile: () => Promise<unknown>): Promise<{ asked: readonly Asked[]; lost: number }> {
  // One in twenty is forwarded, or answered by the cache, which a change of the resolvers empties.
  const questions = Array.from({ length: 20 }, (_, i) => ({ name: i === 0 ? FOREIGN : INSIDE }));
  const settings = { port: program.dnsPort, questions, perSecond: PER_SECOND / PROBES };
  const probes = await Promise.all(Array.from({ length: PROBES }, () => Probe.start(settings)));
  await sleep(WARM_UP_MS);
  await meanwhile();
  const results = await Promise.all(probes.map((probe) => probe.stop()));
  const asked = results.flatMap((result) => result.asked);
  return { asked, lost: lostOf(asked) };
}

async function reloadAgainAndAgain(): Promise<void> {
  let config = program.config;
  for (let reload = 0; reload < RELOADS; reload += 1) {
    const { resolvers, ...keys } = STEPS[reload % STEPS.length] ?? {};
    config = { ...config, ...keys };
    if (typeof resolvers === 'number') config = { ...config, resolvers: [upstreams[resolvers]?.endpoint] };
    writeFileSync(program.file, JSON.stringify(config));
    const from = program.lines.length;
    program.kill('SIGHUP');
    assert.match(await program.waitForLine(/main: reload: /, { from }), /reload: changed /);
    await sleep(PAUSE_MS);
  }
}

/** Up to three answers that no configuration in force could give. */
function wrong(asked: readonly Asked[]): readonly Asked[] {
  // Outside the domain, the upstreams do not know the name.
  const inside = (answer: string) => answer === 'NXDOMAIN' || /^10(\.\d+){3}( 10(\.\d+){3})*$/.test(answer);
  const fits = ({ name, answer }: Asked) =>
    answer === null || (name === FOREIGN ? ADDRESSES.includes(answer) : inside(answer));
  return asked.filter((each) => !fits(each)).slice(0, 3);
}
