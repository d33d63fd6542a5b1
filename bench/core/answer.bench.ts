// How long does one query take from bytes in to bytes out, in the core and in dns-packet?
//
// Both sides get the same query bytes. The core copies them into its slot, then parses, looks up and encodes. dns-packet
// decodes the query and encodes the answer, which it is handed ready-made: it looks nothing up.

import { type Answer, decode, encode, type Packet } from 'dns-packet';
import { Bench } from 'tinybench';
import { DESCRIPTOR_LENGTH, DESCRIPTOR_TRANSPORT, STREAM_SLOT, TRANSPORT_UDP } from '../../src/engine/contract.ts';
import { instantiateCore } from '../../src/engine/core.ts';
import { startCookies } from '../../src/engine/core-options.ts';
import { Engine } from '../../src/engine/engine.ts';
import { descriptorAt, workerViews } from '../../src/engine/memory.ts';
import { query, recordSet, SOA, tableInput } from '../../test/support/zone.ts';

interface Case {
  readonly name: string;
  readonly query: Uint8Array;
  /** What dns-packet encodes. */
  readonly response: Packet;
}

const INSTANCES = 10;
const A_NAME = 'nginx.marathon.mesos';
const SRV_NAME = '_web._tcp.marathon.mesos';
const NO_NAME = 'no-such-task.marathon.mesos';
const targets = Array.from({ length: INSTANCES }, (_, i) => `web-ab${i}de-s${i}.marathon.mesos`);
const soa: Answer = { type: 'SOA', name: 'mesos', ttl: 30, data: SOA };

const CASES: readonly Case[] = [
  {
    name: 'A',
    query: query(A_NAME, 'A', { edns: 1232 }),
    response: { answers: [{ type: 'A', name: A_NAME, ttl: 60, data: '10.0.0.1' }] },
  },
  {
    name: `SRV, ${INSTANCES} instances`,
    query: query(SRV_NAME, 'SRV', { edns: 1232 }),
    response: {
      answers: targets.map((target, i) => ({
        type: 'SRV',
        name: SRV_NAME,
        ttl: 60,
        data: { priority: 0, weight: 1, port: 31000 + i, target },
      })),
      additionals: targets.map((name, i) => ({ type: 'A', name, ttl: 60, data: `10.0.1.${i}` })),
    },
  },
  { name: 'NXDOMAIN', query: query(NO_NAME, 'A', { edns: 1232 }), response: { authorities: [soa] } },
  {
    name: 'A with a cookie',
    query: query(A_NAME, 'A', { packet: { additionals: [withCookie(8)] } }),
    response: {
      answers: [{ type: 'A', name: A_NAME, ttl: 60, data: '10.0.0.1' }],
      additionals: [withCookie(24)],
    },
  },
];

/** An OPT record with a COOKIE option (RFC 7873) of so many octets. */
function withCookie(size: number): Answer {
  const option = { code: 10, data: Buffer.alloc(size, 7) };
  return {
    type: 'OPT',
    name: '.',
    udpPayloadSize: 1232,
    extendedRcode: 0,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [option],
  } as unknown as Answer;
}

export async function run(): Promise<void> {
  const engine = await Engine.create();
  engine.publish(
    tableInput(
      recordSet([
        `${A_NAME}. A 10.0.0.1`,
        ...targets.map((target, i) => `${SRV_NAME}. SRV ${target}.:${31000 + i}`),
        ...targets.map((target, i) => `${target}. A 10.0.1.${i}`),
      ]),
    ),
  );
  startCookies(engine.memory, { secrets: [Buffer.alloc(16, 1)] });
  const core = instantiateCore(engine.module, engine.memory);
  const { address, descriptors, stream, random } = workerViews(engine.memory, 0, 0);
  random[0] = 1n;
  const descriptor = descriptorAt(STREAM_SLOT);
  const load = (bytes: Uint8Array) => {
    stream.set(bytes);
    descriptors.setUint32(descriptor + DESCRIPTOR_LENGTH, bytes.length, true);
    descriptors.setUint32(descriptor + DESCRIPTOR_TRANSPORT, TRANSPORT_UDP, true);
  };

  const rows: Record<string, Record<string, string>> = {};
  for (const { name, query: bytes, response } of CASES) {
    const buffer = Buffer.from(bytes);
    const asked = decode(buffer);
    const packet: Packet = { ...asked, type: 'response', flags: 0x580, ...response };
    // Both sides must answer the same question with as many records.
    load(bytes);
    core.answerStream(address);
    const length = descriptors.getUint32(descriptor + DESCRIPTOR_LENGTH, true);
    const answered = decode(Buffer.from(stream.subarray(0, length)));
    const expected = decode(encode(packet));
    if (
      answered.answers?.length !== expected.answers?.length ||
      answered.authorities?.length !== expected.authorities?.length
    ) {
      throw new Error(`the core's answer to ${name} is not the one that dns-packet encodes`);
    }

    const bench = new Bench({ time: 500, warmupTime: 200 });
    bench
      .add('core whole', () => {
        load(bytes);
        core.answerStream(address);
      })
      .add('core parse', () => {
        load(bytes);
        core.parseStream(address);
      })
      .add('core encode', () => {
        core.encodeStream(address);
      })
      .add('dns-packet whole', () => {
        decode(buffer);
        encode(packet);
      })
      .add('dns-packet parse', () => {
        decode(buffer);
      })
      .add('dns-packet encode', () => {
        encode(packet);
      });
    await bench.run();
    const ns = (task: string) => {
      const result = bench.getTask(task)?.result;
      if (result?.state !== 'completed') throw new Error(`the bench of ${task} did not complete`);
      return result.latency.mean * 1e6;
    };
    for (const step of ['whole', 'parse', 'encode']) {
      const ours = ns(`core ${step}`);
      const theirs = ns(`dns-packet ${step}`);
      rows[`${name}: ${step === 'whole' ? 'query in, answer out' : `${step} alone`}`] = {
        'core ns/op': ours.toFixed(0),
        'dns-packet ns/op': theirs.toFixed(0),
        ratio: `${(theirs / ours).toFixed(1)} ×`,
      };
    }
  }
  console.table(rows);
}
