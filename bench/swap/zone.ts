// The zone of the swaps: that of the comparison with other servers, in generations that are told apart by their TTL.

import type { TableInput } from '../../src/engine/table-input.ts';
import { deriveRecords } from '../../src/records/derive.ts';
import type { RecordSet } from '../../src/records/record-set.ts';
import { Ensemble } from '../../src/standin/ensemble.ts';
import { parseState } from '../../src/state/parse.ts';
import { deriveInput } from '../../test/support/states.ts';
import { SOA, tableInput } from '../../test/support/zone.ts';
import { benchCluster, type ServedZone, type Size, servedZone } from '../server/zone.ts';

export const GENERATIONS = 3;
/** The TTL of all records of the first generation; that of the next one is 1 more. */
export const FIRST_TTL = 1000;
const DOMAIN = 'mesos';

/** A master's document of a cluster of this size. */
export async function stateDocument(size: Size): Promise<Uint8Array> {
  const ensemble = new Ensemble(benchCluster(size), { masters: [{}] });
  await ensemble.start();
  try {
    const response = await fetch(`http://${ensemble.endpoints[0]}/state`);
    return new Uint8Array(await response.arrayBuffer());
  } finally {
    await ensemble.stop();
  }
}

export function recordsOf(document: Uint8Array): RecordSet {
  return deriveRecords(deriveInput(parseState(Buffer.from(document)).state));
}

export function generationInputs(records: RecordSet): readonly TableInput[] {
  return Array.from({ length: GENERATIONS }, (_, i) =>
    // Negative answers carry the SOA with the smaller of the two.
    tableInput(records, { domain: DOMAIN, ttl: FIRST_TTL + i, soa: { ...SOA, minimum: FIRST_TTL + i } }),
  );
}

/** As other servers take it; with their own TTL. */
export function asServed({ as, aaaas, srvs }: RecordSet): ServedZone {
  const object = (map: RecordSet['as']) => Object.fromEntries([...map].map(([name, values]) => [name, [...values]]));
  return servedZone({
    TTL: FIRST_TTL,
    Serial: SOA.serial,
    RefreshSeconds: 60,
    Mname: SOA.mname,
    Rname: SOA.rname,
    Domain: DOMAIN,
    Records: { As: object(as), AAAAs: object(aaaas), SRVs: object(srvs) },
  });
}
