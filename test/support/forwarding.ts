// A forwarder under test, the upstreams that it asks, and what its answers say.

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import packet from 'dns-packet';
import { createForwarder, type ForwarderOptions, type UpstreamForwarder } from '../../src/forwarder/forwarder.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { type Libc, loadLibc } from '../../src/sockets/libc.ts';
import { Turns } from '../../src/sockets/turns.ts';
import { UpstreamDatagrams } from '../../src/sockets/upstream-datagrams.ts';
import {
  type Behaviour,
  encodeAnswer,
  encodeQuery,
  FakeUpstream,
  type QueryOptions,
  type UpstreamOptions,
} from './fake-upstream.ts';

const open: { close(): unknown }[] = [];

/** Who opens the sockets that upstreams are asked from. */
export const SOCKETS = ['Node', 'the C library'] as const;
let libc: Libc | null = null;

/** For `before`: forwarders of the tests that follow have such sockets. */
export async function useSockets(of: (typeof SOCKETS)[number]): Promise<void> {
  libc = of === 'Node' ? null : await loadLibc();
}

/** UDP sockets of this process. */
export function udpSockets(): number {
  const tables = ['udp', 'udp6'].map((table) => readFileSync(`/proc/self/net/${table}`, 'utf8')).join('');
  const inodes = new Set(tables.split('\n').map((line) => `socket:[${line.trim().split(/\s+/)[9]}]`));
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return inodes.has(readlinkSync(`/proc/self/fd/${fd}`));
    } catch {
      return false; // that of the folder itself
    }
  }).length;
}

/** For `afterEach`: ends what the test has started. */
export async function closeAll(): Promise<void> {
  for (const each of open.splice(0)) await each.close();
}

export async function upstream(behaviour: Behaviour, options: UpstreamOptions = {}): Promise<FakeUpstream> {
  const started = await FakeUpstream.start(behaviour, options);
  open.push(started);
  return started;
}

export function forwarderTo(
  upstreams: readonly FakeUpstream[],
  options: Partial<ForwarderOptions> = {},
): UpstreamForwarder {
  const datagrams = libc === null ? null : new UpstreamDatagrams(libc, new Turns());
  const forwarder = createForwarder({
    ...(datagrams === null ? {} : { openDatagrams: datagrams.open }),
    routes: [upstreams.map((each) => each.address)],
    // The process, and with it the upstreams, may stand still for 2 s.
    timeoutSeconds: 4.5,
    logger: silentLogger(),
    watchesLoops: false,
    ...options,
  });
  open.push(forwarder, ...(datagrams === null ? [] : [datagrams]));
  return forwarder;
}

export interface Answer extends packet.DecodedPacket {
  readonly bytes: Uint8Array;
}

export async function ask(
  forwarder: UpstreamForwarder,
  name: string,
  options: QueryOptions & { maxSize?: number } = {},
): Promise<Answer> {
  const bytes = await forwarder.forward(encodeQuery(name, options), 0, options.maxSize ?? 65_535);
  return { ...packet.decode(Buffer.from(bytes)), bytes };
}

export function rcodeOf(answer: Answer): number {
  return (answer.bytes[3] ?? 0) & 15;
}

/** The extended error that ends an answer of ours (option 15, two octets), null where there is none. */
export function edeOf(answer: Answer): number | null {
  const option = Buffer.from(answer.bytes.slice(-6));
  return option.readUInt32BE(0) === 0x000f0002 ? option.readUInt16BE(4) : null;
}

export const honest: Behaviour = (query, reply) => reply(encodeAnswer(query));
export const silent: Behaviour = () => {};
export const saying =
  (address: string): Behaviour =>
  (query, reply) =>
    reply(encodeAnswer(query, { addresses: [address] }));
export const failingWith =
  (rcode: number): Behaviour =>
  (query, reply) =>
    reply(encodeAnswer(query, { rcode, addresses: [] }));

/** Changes QTYPE in place. */
export function withType(message: Buffer, type: string): Buffer {
  const numbers: Readonly<Record<string, number>> = { AAAA: 28, UNKNOWN_65: 65, UNKNOWN_97: 97 };
  let offset = 12;
  while (message[offset] !== 0) offset += (message[offset] ?? 0) + 1;
  message.writeUInt16BE(numbers[type] ?? 1, offset + 1);
  return message;
}
