// Response rate limiting as clients see it: limited over UDP, and let through where they show that they are real.

import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { limitRate } from '../../src/engine/core-options.ts';
import { startRateReport } from '../../src/workers/rate-report.ts';
import { DnsClient } from '../support/dns-client.ts';
import { DRIVERS, startService } from '../support/dns-service.ts';
import { recordedLog } from '../support/log.ts';
import { UdpClient } from '../support/udp-client.ts';

const RATE = 10;
const QUERIES = 200;

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

for (const io of DRIVERS) {
  describe(`response rate limiting with io ${io}`, () => {
    it('holds a flood back, sends real clients to TCP, and says whom it limited', async (t) => {
      const { supervisor, metrics, engine, port } = await startService({ io });
      open.push(() => supervisor.stop(0));
      metrics.countQueries(() => supervisor.queryTotals);
      limitRate(engine.memory, RATE, 2);

      const flood = await UdpClient.open(port);
      open.push(() => flood.close());
      for (let i = 0; i < QUERIES; i++) flood.ask('n1.mesos', i);
      // A second may end while the flood is underway, which gives it the answers of another one.
      const answers = await flood.until(RATE + (QUERIES - 2 * RATE) / 2);
      assert.ok(answers.filter((answer) => answer.answers?.length === 1).length <= QUERIES / 4);
      assert.ok(answers.filter((answer) => answer.flag_tc && answer.answers?.length === 0).length > RATE);

      const client = await DnsClient.open({ host: '127.0.0.1', port });
      open.push(() => client.close());
      const reply = await client.ask('n1.mesos', 'A');
      assert.equal(reply.answers.length, 1);

      const text = await metrics.registry.metrics();
      for (const action of ['dropped', 'slipped']) {
        const [, count = ''] = new RegExp(`rate_limited_total\\{action="${action}"\\} (\\d+)`).exec(text) ?? [];
        assert.ok(Number(count) >= QUERIES / 4, `${action}: ${count}`);
      }

      t.mock.timers.enable({ apis: ['setInterval'] });
      const { log, lines } = recordedLog();
      const { memory } = engine;
      const held = () => supervisor.queryTotals.rateDropped + supervisor.queryTotals.rateSlipped;
      open.push(startRateReport({ memory, held, logger: log }));
      t.mock.timers.tick(60_000);
      assert.match(
        lines.join('\n'),
        /\d+ answers were held back .* from 127\.0\.0\.0\/24 \(answers about one name: \d+\)/,
      );
      t.mock.timers.tick(60_000);
      assert.equal(lines.length, 1);
    });
  });
}
