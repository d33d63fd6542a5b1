// Forwarding by the whole program: zones with servers of their own, reverse zones, DNS over TLS, changes of the servers,
// loops, and what the metrics show of it.

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { NOERROR, NXDOMAIN, SERVFAIL } from '../support/dns-client.ts';
import { startService } from '../support/dns-service.ts';
import { encodeAnswer, FakeUpstream } from '../support/fake-upstream.ts';
import { freePort } from '../support/ports.ts';
import { type Program, startProgram, temporaryFile } from '../support/program.ts';
import { startTlsUpstream, tlsCertificate } from '../support/tls-upstream.ts';
import { addressesIn, UdpClient } from '../support/udp-client.ts';

async function start(t: TestContext, config: Readonly<Record<string, unknown>>): Promise<Program> {
  const program = await startProgram({ masters: ['127.0.0.1:9'], ...config });
  t.after(() => program.stop());
  return program;
}

/** Answers everything with one address. */
async function saying(t: TestContext, address: string): Promise<FakeUpstream> {
  const upstream = await FakeUpstream.start((query, reply) => reply(encodeAnswer(query, { addresses: [address] })));
  t.after(() => upstream.close());
  return upstream;
}

async function addressOf(program: Program, name: string): Promise<string> {
  const [record] = (await program.ask(name, 'A')).answers;
  return record?.type === 'A' ? record.data : 'none';
}

describe('zoneResolvers', () => {
  it('get the names of their zone and below it, in any case, and no others', async (t) => {
    const [outside, weave] = [await saying(t, '192.0.2.1'), await saying(t, '192.0.2.2')];
    const program = await start(t, { resolvers: [outside.address], zoneResolvers: { weave: [weave.address] } });
    for (const name of ['weave', 'web.weave', 'a.b.c.WEAVE']) assert.equal(await addressOf(program, name), '192.0.2.2');
    for (const name of ['notweave', 'weave.example', 'example']) {
      assert.equal(await addressOf(program, name), '192.0.2.1', name);
    }
  });

  it('get reverse names, private ones too, while others of that kind are answered here', async (t) => {
    const [outside, inside] = [await saying(t, '192.0.2.1'), await saying(t, '192.0.2.2')];
    const program = await start(t, {
      resolvers: [outside.address],
      zoneResolvers: { '20.172.in-addr.arpa': [inside.address], 'd.f.ip6.arpa': [inside.address] },
    });
    for (const name of ['1.0.20.172.in-addr.arpa', `${'0.'.repeat(30)}d.f.ip6.arpa`]) {
      assert.equal((await program.ask(name, 'PTR')).rcode, NOERROR, name);
      assert.equal(inside.queries.at(-1)?.message.questions?.[0]?.name, name);
    }
    assert.equal((await program.ask('1.0.21.172.in-addr.arpa', 'PTR')).rcode, NXDOMAIN);
    assert.equal((await program.ask('8.8.8.8.in-addr.arpa', 'PTR')).rcode, NOERROR);
    // Asked again where the machine stands still.
    const names = new Set(outside.queries.flatMap(({ message }) => message.questions ?? []).map(({ name }) => name));
    assert.deepEqual(names, new Set(['8.8.8.8.in-addr.arpa']));
  });

  it('may be silent without harm to other zones', async (t) => {
    const outside = await saying(t, '192.0.2.1');
    const program = await start(t, {
      resolvers: [outside.address],
      zoneResolvers: { weave: [`127.0.0.1:${await freePort()}`] },
    });
    assert.equal((await program.ask('web.weave', 'A')).rcode, SERVFAIL);
    assert.equal(await addressOf(program, 'www.example'), '192.0.2.1');
  });
});

describe('resolvers', () => {
  it('over TLS answer clients over UDP, where the certificate is that of forwardCaCertFile and of the name', async (t) => {
    const upstream = await startTlsUpstream();
    t.after(() => upstream.close());
    const program = await start(t, {
      resolvers: [`tls://127.0.0.1:${upstream.port}@dns.example`],
      forwardCaCertFile: temporaryFile(tlsCertificate, 'authority.pem'),
      forwardPolicy: 'fastest',
      forwardRandomCase: true,
    });
    assert.equal(await addressOf(program, 'www.example'), '192.0.2.53');
    assert.ok(upstream.names.some((name) => name.toLowerCase() === 'www.example'));
  });

  it('are seen in the metrics', async (t) => {
    const upstream = await saying(t, '192.0.2.1');
    const silent = await FakeUpstream.start(() => {});
    t.after(() => silent.close());
    const program = await start(t, { resolvers: [silent.address, upstream.address] });
    for (let n = 0; n < 5; n += 1) await addressOf(program, `n${n}.example`);
    const metrics = await program.metrics();
    const value = (name: string, labels: string) =>
      Number(
        metrics
          .split('\n')
          .find((line) => line.startsWith(`${name}{${labels}}`))
          ?.split(' ')[1] ?? Number.NaN,
      );
    const to = `to="${upstream.address}"`;
    // More where the machine stands still, and questions are asked again.
    const responses = value('mesos_dns_forward_responses_total', `${to},rcode="NOERROR"`);
    assert.ok(responses >= 5 && responses <= value('mesos_dns_forward_requests_total', to), `${responses} responses`);
    const proxy = `proxy_name="forward",${to},rcode="NOERROR"`;
    assert.equal(value('mesos_dns_proxy_request_duration_seconds_count', proxy), responses);
    assert.equal(value('mesos_dns_proxy_request_duration_seconds_bucket', `${proxy},le="+Inf"`), responses);
    assert.equal(value('mesos_dns_forward_upstream_failing', `to="${silent.address}"`), 1);
    assert.equal(value('mesos_dns_forward_upstream_failing', to), 0);
    assert.ok(value('mesos_dns_forward_events_total', 'what="timeout"') >= 2);
    assert.match(metrics, /^mesos_dns_forward_in_flight 0$/m);
    assert.match(metrics, /^mesos_dns_forward_healthcheck_broken_total 0$/m);
    assert.match(metrics, /^mesos_dns_forward_max_concurrent_rejects_total 0$/m);
  });

  it('that lead back here are told of, and the program goes on', async (t) => {
    const port = await freePort();
    const program = await start(t, { port, resolvers: [`127.0.0.1:${port}`] });
    await program.waitForLine(/ERROR: forwarder: .*a loop/);
    assert.equal((await program.ask('www.example', 'A')).rcode, SERVFAIL);
    assert.equal(await program.metric('mesos_dns_forward_upstream_looping'), 1);
    assert.equal((await program.ask('mesos', 'SOA')).rcode, SERVFAIL);
  });
});

describe('setResolvers', () => {
  it('takes effect at once', async (t) => {
    const [before, after] = [await saying(t, '192.0.2.1'), await saying(t, '192.0.2.2')];
    const { supervisor, port } = await startService({ routes: [[before.address]], timeoutSeconds: 4.5 });
    t.after(() => supervisor.stop(0));
    const client = await UdpClient.open(port);
    t.after(() => client.close());
    client.ask('before.example', 1);
    await client.until(1);
    supervisor.setResolvers([after.address]);
    client.ask('after.example', 2);
    const answers = await client.until(2);
    assert.deepEqual(answers.map(addressesIn), [['192.0.2.1'], ['192.0.2.2']]);
    const figures = (await supervisor.streamFigures())?.forwarding ?? null;
    assert.deepEqual(
      figures?.upstreams.map(({ name }) => name),
      [after.address],
    );
  });
});
