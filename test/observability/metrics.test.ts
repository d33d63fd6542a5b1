// All metrics together: their names, prefix, and that Prometheus's own checker finds nothing wrong with them.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createMetrics } from '../../src/observability/metrics.ts';
import { demoCluster } from '../../src/standin/demo-cluster.ts';
import { StandinMaster } from '../../src/standin/master.ts';
import { requirePackages } from '../support/debian.ts';
import { startProgram } from '../support/program.ts';

/** What `promtool check metrics` says of a text; '' where it is content. */
async function checked(text: string): Promise<string> {
  const promtool = spawn('promtool', ['check', 'metrics'], { stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [promtool.stdout, promtool.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk;
    });
  }
  promtool.stdin.end(text);
  const [code] = await once(promtool, 'close');
  return code === 0 ? said : `${said}exit code ${code}`;
}

describe('the metrics', () => {
  it('have the prefix that the configuration gives, but for those of the process', async () => {
    const text = await createMetrics({ prefix: 'coredns_', version: '1.2.3' }).registry.metrics();
    assert.doesNotMatch(text, /^mesos_dns_/m);
    assert.match(text, /^coredns_build_info\{version="1\.2\.3",nodejs="v[\d.]+"\} 1$/m);
    assert.match(text, /^# TYPE coredns_dns_request_duration_seconds histogram$/m);
    assert.match(text, /^process_resident_memory_bytes [1-9]\d+$/m);
  });

  it('find favour with promtool, on a server that has answered and forwarded', async () => {
    await requirePackages('prometheus');
    const { cluster } = demoCluster();
    const master = new StandinMaster(cluster);
    await master.start();
    master.view.lead(cluster.startTime);
    master.view.recover(true);
    const program = await startProgram({ masters: [master.endpoint], timeout: 1 }, { untilLoaded: true });
    try {
      await program.ask('nginx.marathon.mesos');
      await program.ask('www.example.com');
      const text = await (await program.get('/metrics')).text();
      assert.match(text, /^mesos_dns_mesos_request_duration_seconds_count\{code="200"\} [1-9]/m);
      assert.match(text, /^mesos_dns_mesos_state_bytes [1-9]/m);
      assert.equal(await checked(text), '');
    } finally {
      await program.stop();
      await master.stop();
    }
  });

  it('tell of the event loop and the garbage collector since they were read last', async () => {
    const { registry } = createMetrics();
    await registry.metrics();
    const until = performance.now() + 400;
    await sleep(150);
    while (performance.now() < until) Array.from({ length: 10_000 }, (_, i) => String(i));
    await sleep(150);
    const text = await registry.metrics();
    const lag = Number(/^nodejs_eventloop_lag_max_seconds (\S+)$/m.exec(text)?.[1]);
    assert.ok(lag > 0.02 && lag < 20, `${lag} s`);
    const isCounted = async () =>
      /^nodejs_gc_duration_seconds_count\{kind="minor"\} [1-9]/m.test(await registry.metrics());
    const giveUpAt = performance.now() + 30_000;
    while (!(await isCounted()) && performance.now() < giveUpAt) {
      Array.from({ length: 200_000 }, (_, i) => ({ text: String(i) }));
      await sleep(20);
    }
    assert.ok(await isCounted());
  });
});
