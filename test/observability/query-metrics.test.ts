// What is counted of queries, from the core and the threads that serve to the text that Prometheus reads.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { FAULT_VARIABLE } from '../../src/workers/fault.ts';
import { DRIVERS, type RunningService, type ServiceSetup, startService } from '../support/dns-service.ts';
import { encodeAnswer, encodeQuery, FakeUpstream, framed } from '../support/fake-upstream.ts';
import { UdpClient } from '../support/udp-client.ts';
import { query } from '../support/zone.ts';

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

async function serving(setup: ServiceSetup): Promise<RunningService> {
  const service = await startService(setup);
  open.push(() => service.supervisor.stop(0));
  service.metrics.countQueries(() => service.supervisor.queryTotals);
  return service;
}

async function client(port: number, family: 4 | 6 = 4): Promise<UdpClient> {
  const opened = await UdpClient.open(port, family);
  open.push(() => opened.close());
  return opened;
}

/** The lines of the text format that are not 0, comments left out. */
async function exported({ metrics }: RunningService): Promise<readonly string[]> {
  const text = await metrics.registry.metrics();
  return text.split('\n').filter((line) => line.startsWith('mesos_dns_dns_') && !line.endsWith(' 0'));
}

function figure(lines: readonly string[], series: string): number {
  return Number(lines.find((line) => line.startsWith(`${series} `))?.slice(series.length + 1) ?? 0);
}

async function overTcp(port: number, message: Uint8Array): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  socket.write(framed(message));
  await once(socket, 'data');
  socket.destroy();
}

for (const io of DRIVERS) {
  describe(`the metrics of queries with io ${io}`, () => {
    it('count queries by transport, family and type, and answers by code', async () => {
      const service = await serving({ io, listeners: ['127.0.0.1', '::1'] });
      const v4 = await client(service.port);
      const v6 = await client(service.port, 6);
      v4.ask('n1.mesos', 1);
      v4.ask('missing.mesos', 2);
      v4.send(query('n1.mesos', 'UNKNOWN_65'));
      v4.send(query('n1.mesos', 'UNKNOWN_65280'));
      v6.ask('n2.mesos', 3, '::1');
      await Promise.all([v4.until(4), v6.until(1)]);
      await overTcp(service.port, encodeQuery('n1.mesos'));
      const lines = await exported(service);
      assert.deepEqual(lines.filter((line) => /_(requests|responses)_total/.test(line)).sort(), [
        'mesos_dns_dns_requests_total{proto="tcp",family="1",type="A"} 1',
        'mesos_dns_dns_requests_total{proto="udp",family="1",type="A"} 2',
        'mesos_dns_dns_requests_total{proto="udp",family="1",type="HTTPS"} 1',
        'mesos_dns_dns_requests_total{proto="udp",family="1",type="other"} 1',
        'mesos_dns_dns_requests_total{proto="udp",family="2",type="A"} 1',
        'mesos_dns_dns_responses_total{rcode="NOERROR"} 5',
        'mesos_dns_dns_responses_total{rcode="NXDOMAIN"} 1',
      ]);
    });

    it('count forwarded queries with the answers that came for them', async () => {
      const upstream = await FakeUpstream.start((asked, reply) => reply(encodeAnswer(asked, { rcode: 3 })));
      open.push(() => upstream.close());
      const service = await serving({ io, routes: [[upstream.address]], timeoutSeconds: 30 });
      const asking = await client(service.port);
      asking.ask('a.example', 1);
      await asking.until(1);
      await overTcp(service.port, encodeQuery('b.example'));
      const lines = await exported(service);
      assert.equal(figure(lines, 'mesos_dns_dns_forwarded_total'), 2);
      assert.equal(figure(lines, 'mesos_dns_dns_responses_total{rcode="NXDOMAIN"}'), 2);
      assert.equal(figure(lines, 'mesos_dns_dns_request_duration_seconds_count{proto="udp"}'), 1);
      assert.equal(figure(lines, 'mesos_dns_dns_request_duration_seconds_count{proto="tcp"}'), 1);
      assert.equal(figure(lines, 'mesos_dns_dns_response_size_bytes_count{proto="tcp"}'), 1);
    });

    it('count what is no query, and what could not be read', async () => {
      const service = await serving({ io });
      const asking = await client(service.port);
      asking.send(encodeQuery('n1.mesos').map((octet, i) => (i === 2 ? octet | 0x80 : octet)));
      // A question that ends within its name.
      asking.send(encodeQuery('n1.mesos').subarray(0, 16));
      await asking.until(1);
      const lines = await exported(service);
      assert.equal(figure(lines, 'mesos_dns_dns_dropped_total'), 1);
      assert.equal(figure(lines, 'mesos_dns_dns_requests_total{proto="udp",family="1",type="other"}'), 1);
      assert.equal(figure(lines, 'mesos_dns_dns_responses_total{rcode="FORMERR"}'), 1);
    });

    it('are histograms of sizes and times, the buckets of CoreDNS among them', async () => {
      const service = await serving({ io });
      const asking = await client(service.port);
      const size = encodeQuery('n1.mesos').length;
      const askedAtMs = performance.now();
      for (let id = 0; id < 10; id += 1) asking.ask('n1.mesos', id);
      await asking.until(10);
      // An answer is on its way before its time is counted.
      let lines = await exported(service);
      while (figure(lines, 'mesos_dns_dns_request_duration_seconds_count{proto="udp"}') < 10) {
        lines = await exported(service);
      }
      const histogram = (name: string, le: string) =>
        figure(lines, `mesos_dns_dns_${name}_bucket{proto="udp",le="${le}"}`);
      assert.ok(size > 16 && size <= 32);
      assert.equal(histogram('request_size_bytes', '16'), 0);
      assert.equal(histogram('request_size_bytes', '32'), 10);
      assert.equal(histogram('request_size_bytes', '+Inf'), 10);
      assert.equal(figure(lines, 'mesos_dns_dns_request_size_bytes_sum{proto="udp"}'), 10 * size);
      assert.equal(histogram('response_size_bytes', '64'), 10);
      for (const le of ['8.192', '+Inf']) assert.equal(histogram('request_duration_seconds', le), 10);
      const bounds = (await service.metrics.registry.metrics()).matchAll(
        /duration_seconds_bucket\{proto="udp",le="(.*?)"/g,
      );
      const exponential = Array.from({ length: 16 }, (_, n) => String(0.00025 * 2 ** n));
      const known = new Set([...bounds].map(([, le]) => le));
      assert.deepEqual(
        exponential.filter((le) => !known.has(le)),
        [],
      );
      const seconds = figure(lines, 'mesos_dns_dns_request_duration_seconds_sum{proto="udp"}');
      // Ten at a time.
      const mostSeconds = (10 * (performance.now() - askedAtMs)) / 1000;
      assert.ok(seconds > 0 && seconds < mostSeconds, `${seconds} of ${mostSeconds} s`);
    });
  });
}

describe('the counts of a worker', () => {
  it('go on when it was started again', { skip: !DRIVERS.includes('batched') }, async () => {
    process.env[FAULT_VARIABLE] = '1@2';
    const service = await serving({ io: 'batched' });
    delete process.env[FAULT_VARIABLE];
    const asking = await client(service.port);
    asking.ask('n1.mesos', 1);
    await asking.until(1);
    asking.ask('n1.mesos', 2);
    while ((await service.metrics.workerRestarts.get()).values[0]?.value !== 1) {
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    asking.ask('n1.mesos', 3);
    await asking.until(2);
    assert.equal(service.supervisor.queryTotals.requests[0]?.count, 2);
  });
});
