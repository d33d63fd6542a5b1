// Zones for tests: a small record set written as text, published to an engine that answers in the same thread.

import { decode, encode, type Packet, type Question } from 'dns-packet';
import { createCoreAnswerer } from '../../src/engine/core-answerer.ts';
import { Engine } from '../../src/engine/engine.ts';
import type { TableInput } from '../../src/engine/table-input.ts';
import type { RecordSet } from '../../src/records/record-set.ts';
import type { Answerer, Client, Verdict } from '../../src/sockets/answerer.ts';

export const UDP: Client = { transport: 'udp', address: '192.0.2.1' };
export const TCP: Client = { transport: 'tcp', address: '192.0.2.1' };

/** Lines such as `web.marathon.mesos. A 10.0.0.1`, `_web._tcp.marathon.mesos. SRV web.marathon.mesos.:80`, `x. ALIAS y.` */
export function recordSet(lines: readonly string[]): RecordSet {
  const maps = {
    A: new Map<string, string[]>(),
    AAAA: new Map<string, string[]>(),
    SRV: new Map<string, string[]>(),
    ALIAS: new Map<string, string[]>(),
    PTR: new Map<string, string[]>(),
  };
  for (const line of lines) {
    const [, name = '', type = 'A', value = ''] = /^(.*) (A|AAAA|SRV|ALIAS|PTR) (.*)$/.exec(line) ?? [];
    const map = maps[type as keyof typeof maps];
    map.set(name, [...(map.get(name) ?? []), value]);
  }
  const ptrs = new Map([...maps.PTR].map(([name, values]) => [name, values[0] ?? '']));
  return { as: maps.A, aaaas: maps.AAAA, srvs: maps.SRV, aliases: maps.ALIAS, ptrs };
}

export const SOA = {
  mname: 'ns1.mesos.',
  rname: 'root.ns1.mesos.',
  serial: 7,
  refresh: 60,
  retry: 600,
  expire: 86400,
  minimum: 30,
};

export function tableInput(records: RecordSet | null, changes: Partial<TableInput> = {}): TableInput {
  return {
    domain: 'mesos',
    ttl: 60,
    srvWeight: 1,
    soa: SOA,
    records,
    forwardZones: [],
    localZones: [],
    recursionAvailable: true,
    forward: true,
    setTruncateBit: true,
    subnetFirst: false,
    stale: false,
    udpPayloadSize: 1232,
    identity: { nsid: '', version: '', id: '' },
    ...changes,
  };
}

/** An engine with one table, and an answerer in this thread. */
export async function serve(
  lines: readonly string[],
  changes: Partial<TableInput> = {},
  build: 'debug' | 'release' = 'release',
): Promise<Answerer> {
  const engine = await Engine.create({ build });
  engine.publish(tableInput(recordSet(lines), changes));
  return createCoreAnswerer({ module: engine.module, memory: engine.memory, worker: 0, seed: 0x1234_5678_9abcn });
}

/** dns-packet knows ANY and numbered types by these names, its types do not. */
export type QueryType = Question['type'] | 'ANY' | `UNKNOWN_${number}`;

export interface AskOptions {
  readonly client?: Client;
  readonly packet?: Packet;
  readonly edns?: number;
}

/** A query as bytes. @param edns the payload size of an OPT record, none if left out */
export function query(name: string, type: QueryType, options: AskOptions = {}): Uint8Array {
  const additionals: Packet['additionals'] =
    options.edns === undefined
      ? []
      : [
          {
            type: 'OPT',
            name: '.',
            udpPayloadSize: options.edns,
            extendedRcode: 0,
            ednsVersion: 0,
            flags: 0,
            flag_do: false,
            options: [],
          },
        ];
  return encode({
    id: 0x1d5,
    type: 'query',
    flags: 0x100,
    questions: [{ name, type: type as Question['type'] }],
    additionals,
    ...options.packet,
  });
}

/** The decoded answer to a question. Fails where the core drops or forwards it. */
export function ask(answerer: Answerer, name: string, type: QueryType, options: AskOptions = {}): Reply {
  return decodeReply(answerer.answer(query(name, type, options), options.client ?? UDP));
}

export type Reply = ReturnType<typeof decodeReply>;

export function decodeReply(verdict: Verdict) {
  if (verdict.kind !== 'answered') throw new Error(`expected an answer, got ${verdict.kind}`);
  const bytes = Buffer.from(verdict.message);
  const packet = decode(bytes);
  return {
    ...packet,
    bytes,
    flagsWord: bytes.readUInt16BE(2),
    rcodeNumber: bytes.readUInt16BE(2) & 15,
    answers: packet.answers ?? [],
    authorities: packet.authorities ?? [],
    additionals: packet.additionals ?? [],
  };
}

/** The data of the answer section's records, sorted. */
export function answerData(reply: Reply): unknown[] {
  return reply.answers.map((record) => ('data' in record ? record.data : undefined)).sort();
}
