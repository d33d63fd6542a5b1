// The key `queryLogSample`: who asked what, in the log of the real program.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { demoCluster } from '../../src/standin/demo-cluster.ts';
import { StandinMaster } from '../../src/standin/master.ts';
import { blocksOf, readReadme } from '../house/readme.ts';
import { DnsClient } from '../support/dns-client.ts';
import { DRIVERS } from '../support/dns-service.ts';
import { Probe } from '../support/probe.ts';
import { type Program, startProgram } from '../support/program.ts';

interface Line {
  readonly time: string;
  readonly room: string;
  readonly client: string;
  readonly transport: string;
  readonly name?: string;
  readonly type?: string;
  readonly rcode?: string;
  readonly bytes?: number;
  readonly forwarded?: boolean;
  readonly micros: number;
  readonly omitted?: number;
}

const EXAMPLE = blocksOf(readReadme()).find(({ kind }) => kind === 'json query-log')?.text ?? '';
const NGINX = 'nginx.marathon.mesos';

describe('the log of queries', () => {
  let master: StandinMaster;
  before(async () => {
    const { cluster } = demoCluster();
    master = new StandinMaster(cluster);
    await master.start();
    master.view.lead(cluster.startTime);
    master.view.recover(true);
  });
  after(() => master.stop());

  const start = (keys: Readonly<Record<string, unknown>>) =>
    startProgram({ masters: [master.endpoint], logFormat: 'json', ...keys }, { untilLoaded: true });
  const sampled = (program: Program) =>
    program
      .linesMatching(/"room":"queries"/)
      .map((line) => JSON.parse(line) as Line)
      .filter(({ type }) => type !== 'SOA'); // of the wait for the start
  const reload = async (program: Program, keys: Readonly<Record<string, unknown>>) => {
    const from = program.lines.length;
    writeFileSync(program.file, JSON.stringify({ ...program.config, ...keys }));
    program.kill('SIGHUP');
    await program.waitForLine(/reload: changed queryLogSample/, { from });
  };

  for (const io of DRIVERS) {
    describe(`with io ${io}`, () => {
      it('says which client asked what, how, and what it got', async () => {
        const program = await start({ io, queryLogSample: 1 });
        const client = await DnsClient.open({ host: '127.0.0.1', port: program.dnsPort });
        try {
          // A start that takes long is asked about more often than may be told of: what was left out, the first line of
          // another second says.
          await sleep(1100);
          await program.ask('first.mesos');
          await program.waitUntil(() => sampled(program).some(({ name }) => name === 'first.mesos.'), 'a first line');
          const udp = await program.ask(NGINX);
          const tcp = await client.askTcp('_nginx._tcp.marathon.mesos', 'SRV');
          const none = await program.ask('No-such-\u0007name.mesos', 'AAAA');
          // Nobody answers where it is forwarded to.
          void program.ask('example.com', 'TXT').catch(() => undefined);
          const common = { level: 'info', msg: 'sampled', client: '127.0.0.1' };
          const expected = [
            { ...common, transport: 'udp', name: `${NGINX}.`, type: 'A', rcode: 'NOERROR', bytes: udp.bytes.length },
            {
              ...{ ...common, transport: 'tcp', name: '_nginx._tcp.marathon.mesos.', type: 'SRV' },
              ...{ rcode: 'NOERROR', bytes: tcp.bytes.length },
            },
            {
              ...{ ...common, transport: 'udp', name: 'No-such-\\007name.mesos.', type: 'AAAA' },
              ...{ rcode: 'NXDOMAIN', bytes: none.bytes.length },
            },
            { ...common, transport: 'udp', name: 'example.com.', type: 'TXT', forwarded: true },
          ];
          for (const each of expected) {
            const of = () => sampled(program).find(({ name }) => name === each.name);
            await program.waitUntil(() => of() !== undefined, `a line about ${each.name}`);
            if (each.name === `${NGINX}.`) assert.deepEqual(Object.keys(of() ?? {}), Object.keys(JSON.parse(EXAMPLE)));
            const { time: _, room: __, micros = -1, ...rest } = of() ?? {};
            assert.deepEqual(rest, each);
            assert.ok(micros >= 0 && micros < 5_000_000, String(micros));
          }
        } finally {
          client.close();
          await program.stop();
        }
      });

      it('writes twenty lines a second at most, says how many it left out, and is switched by a reload', async () => {
        const program = await start({ io });
        try {
          const flood = async () => {
            const probe = await Probe.start({ port: program.dnsPort, questions: [{ name: NGINX }], perSecond: 2000 });
            await new Promise((resolve) => setTimeout(resolve, 1500));
            const { asked } = await probe.stop();
            return asked.length;
          };
          await flood();
          assert.deepEqual(sampled(program), []);

          await reload(program, { queryLogSample: 1 });
          const from = performance.now();
          let asked = await flood();
          // The next line that may be written says it.
          await program.waitUntil(async () => {
            asked += 1;
            await program.ask('another.mesos');
            return sampled(program).some(({ omitted = 0 }) => omitted > 100);
          }, 'a line that says how many were left out');
          const seconds = (performance.now() - from) / 1000;
          const lines = sampled(program);
          assert.ok(lines.length <= 20 * (Math.ceil(seconds) + 2), `${lines.length} lines in ${seconds} s`);
          const omitted = lines.reduce((sum, each) => sum + (each.omitted ?? 0), 0);
          assert.ok(lines.length + omitted <= asked + 10, `${lines.length} lines and ${omitted} left out`);

          await reload(program, { queryLogSample: 0 });
          const before = sampled(program).length;
          await flood();
          assert.equal(sampled(program).length, before);
        } finally {
          await program.stop();
        }
      });
    });
  }
});
