// The servers that golden cases ask: one zone, and what differs between them.

import { specialZones } from '../../src/dns/special-use.ts';
import { offerKeepalive, startCookies } from '../../src/engine/core-options.ts';
import type { TableInput } from '../../src/engine/table-input.ts';
import { recordSet, tableInput } from '../support/zone.ts';
import { readLines } from './cases.ts';

const IDLE_MS = 20_000;

const USUAL: Partial<TableInput> = {
  localZones: specialZones('mesos', []),
  identity: { nsid: 'rack 7', version: 'mesos-dns', id: 'ns1.rack7' },
};

const DIFFERENCES: Readonly<Record<string, Partial<TableInput>>> = {
  usual: {},
  /** No state has been read yet. */
  loading: { records: null },
  /** Names outside the domain are not forwarded. */
  closed: { forward: false, recursionAvailable: false },
  /** The zone may be out of date. */
  stale: { stale: true },
  /** "setTruncateBit": false */
  quiet: { setTruncateBit: false },
  /** "recurseOn": false */
  modest: { recursionAvailable: false },
  /** Without nsid, serverVersion and serverId. */
  nameless: { identity: { nsid: '', version: '', id: '' } },
  /** "ednsUdpSize": 4096 */
  wide: { udpPayloadSize: 4096 },
  /** "SOAMinttl" above "ttl". */
  patient: { soa: { ...tableInput(null).soa, minimum: 3600 } },
};

export const SERVERS = Object.keys(DIFFERENCES);

export function inputOf(server: string): TableInput {
  const difference = DIFFERENCES[server];
  if (difference === undefined) throw new Error(`there is no server "${server}"`);
  return tableInput(recordSet(readLines('zone.txt').flatMap(expand)), { ...USUAL, ...difference });
}

/** What stands in the control block, for all of them. */
export function setOptions(memory: WebAssembly.Memory): void {
  startCookies(memory, { secrets: [Buffer.from('e5e973e5a6b2a43f48e7dc849e37bfcf', 'hex')] });
  offerKeepalive(memory, IDLE_MS);
}

/** `{1..8}` counts, all braces of a line together; `10.1.0.0+600` stands for so many addresses from there on. */
function expand(line: string): readonly string[] {
  const [, first, last] = /\{(\d+)\.\.(\d+)\}/.exec(line) ?? [];
  if (first !== undefined && last !== undefined) {
    const braces = /\{\d+\.\.\d+\}/g;
    return range(Number(first), Number(last)).map((i) => line.replace(braces, String(i)));
  }
  const [, head, a, b, c, d, count] = /^(.* A )(\d+)\.(\d+)\.(\d+)\.(\d+)\+(\d+)$/.exec(line) ?? [];
  if (head === undefined) return [line];
  const start = ((Number(a) * 256 + Number(b)) * 256 + Number(c)) * 256 + Number(d);
  return range(start, start + Number(count) - 1).map(
    (address) => `${head}${[24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.')}`,
  );
}

function range(first: number, last: number): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}
