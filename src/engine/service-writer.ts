// Bodies of SRV RRsets that the core writes, while a table is built whole: the addresses of the targets are in the index
// already, where the core finds them sooner than they are found among the records.

import {
  SERVICE_SIZE,
  SERVICE_TEXT_SIZE,
  SERVICES,
  SERVICES_COUNT,
  SERVICES_MAX,
  SERVICES_RECORDS_SIZE,
  SERVICES_SIZE,
  SERVICES_TEXTS,
  SERVICES_TEXTS_SIZE,
  SERVICES_TTL,
  SERVICES_WEIGHT,
} from './contract.ts';
import type { Heap } from './heap.ts';
import { MemoryList } from './memory-list.ts';
import type { Workshop } from './workshop.ts';

const WORD = Uint32Array.BYTES_PER_ELEMENT;
const SHAPE = { size: SERVICES_SIZE, textsAt: SERVICES_TEXTS, textsSize: SERVICES_TEXTS_SIZE };
/** Octets of a body for each service that are asked for; with more addresses it may not fit. */
const USUAL_SIZE = 256;

/** As in TableInput. */
export interface ServiceOptions {
  readonly ttl: number;
  readonly srvWeight: number;
}

export class ServiceWriter {
  readonly #workshop: Workshop;
  readonly #heap: Heap;
  readonly #list: MemoryList;
  readonly #table: number;

  /**
   * Throws ERR_TABLE_FULL where there is no room for it.
   *
   * @param table its address; every name that has addresses is in its index
   */
  constructor(workshop: Workshop, heap: Heap, table: number, { ttl, srvWeight }: ServiceOptions) {
    this.#workshop = workshop;
    this.#heap = heap;
    this.#table = table;
    this.#list = new MemoryList(workshop, SHAPE);
    this.#list.words[SERVICES_TTL / WORD] = ttl;
    this.#list.words[SERVICES_WEIGHT / WORD] = srvWeight;
  }

  /**
   * Writes the body of a list of services that are as they mostly are: in their usual spelling, not too many, their targets
   * with addresses. Throws ERR_TABLE_FULL.
   *
   * @returns null for others
   */
  write(values: readonly string[]): { readonly address: number; readonly count: number; readonly size: number } | null {
    const count = values.length;
    if (count > SERVICES_MAX || !this.#list.writeTexts(values)) return null;
    const { words } = this.#list;
    words[SERVICES_COUNT / WORD] = count;
    for (let i = 0; i < count; i++) {
      words[(SERVICES + i * SERVICE_SIZE + SERVICE_TEXT_SIZE) / WORD] = values[i]?.length ?? 0;
    }
    const address = this.#heap.next(count * USUAL_SIZE);
    const end = this.#workshop.core.writeServices(this.#table, this.#list.address, address, this.#heap.end) >>> 0;
    if (end === 0) return null;
    this.#heap.takeUpTo(end);
    return { address, count, size: words[SERVICES_RECORDS_SIZE / WORD] ?? 0 };
  }

  release(): void {
    this.#list.release();
  }
}
