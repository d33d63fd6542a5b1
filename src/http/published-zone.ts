// What the HTTP API shows of the zone: handed over whole with every publication, never changed afterwards.

import type { DeriveInput } from '../records/derive.ts';
import type { RecordSet } from '../records/record-set.ts';

export interface PublishedZone {
  readonly records: RecordSet;
  /** The SOA serial under which DNS serves these records, 0 to 2^32 - 1. */
  readonly serial: number;
  /** It was read from the disk at start, and no master has confirmed it yet. */
  readonly isStale: boolean;
  /** What the records were derived from, for those who ask why; may be put together when it is asked for. */
  readonly input: DeriveInput;
  /**
   * The document of `/v1/enumerate`. Called per request, since it is large and seldom wanted. Anything that `jsonChunks`
   * takes, so lists may be made as they are read.
   */
  readonly enumerate: () => unknown;
}
