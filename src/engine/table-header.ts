// The header of a table: what the core needs to know before it looks for a name.

import { CLASS_IN, LOCAL_TTL, TYPE_SOA } from '../dns/constants.ts';
import { writeName } from '../dns/name.ts';
import { chaosTexts, type Text, textSize, writeTexts } from './chaos-texts.ts';
import {
  CHAOS_SIZE,
  LOCAL_SOA_MNAME,
  LOCAL_SOA_SIZE,
  NSID_MAX,
  RECORD_OWNER_SIZE,
  TABLE_CHAOS,
  TABLE_CHAOS_COUNT,
  TABLE_DIRECTORY,
  TABLE_FLAG_FORWARD,
  TABLE_FLAG_LOADED,
  TABLE_FLAG_POINTERS,
  TABLE_FLAG_RECURSION,
  TABLE_FLAG_STALE,
  TABLE_FLAG_SUBNET_FIRST,
  TABLE_FLAG_TRUNCATE,
  TABLE_FLAGS,
  TABLE_GENERATION,
  TABLE_HEADER_SIZE,
  TABLE_LOCAL_SOA,
  TABLE_MAGIC,
  TABLE_NEGATIVE_SOA,
  TABLE_NEGATIVE_SOA_SIZE,
  TABLE_NSID,
  TABLE_NSID_SIZE,
  TABLE_PAGE_MASK,
  TABLE_SIZE,
  TABLE_UDP_PAYLOAD,
  TABLE_ZONE_BUCKET_MASK,
  TABLE_ZONE_BUCKETS,
  TABLE_ZONE_COUNT,
  TABLE_ZONES,
} from './contract.ts';
import type { MemoryViews } from './memory.ts';
import type { TableInput } from './table-input.ts';
import type { ZoneList } from './zone-list.ts';

/** A compression pointer; the core writes it. */
const POINTER_SIZE = 2;

export interface TableHeaderOptions {
  readonly input: TableInput;
  readonly zones: ZoneList;
  readonly generation: number;
  /** The SOA record of negative answers in the heap, its owner included. */
  readonly negativeSoa: { readonly address: number; readonly size: number };
  /** Seconds for which clients may remember that something does not exist. */
  readonly negativeTtl: number;
  /** There are reverse names. */
  readonly hasPointers: boolean;
  /** Addresses of the index pages in the order of their numbers; a power of two of them. */
  readonly pages: Uint32Array;
}

// | header | zones, their names and hash table | texts of class CH | their names and records | NSID | local SOA | directory |
export class TableHeader {
  readonly #options: TableHeaderOptions;
  readonly #texts: readonly Text[];
  readonly #nsid: Uint8Array;
  readonly #textsAt: number;
  readonly #textNamesAt: number;
  readonly #nsidAt: number;
  readonly #localSoaAt: number;
  readonly #directoryAt: number;
  /** Octets. */
  readonly size: number;

  constructor(options: TableHeaderOptions) {
    const { identity } = options.input;
    this.#options = options;
    this.#texts = chaosTexts(identity);
    this.#nsid = Buffer.from(identity.nsid).subarray(0, NSID_MAX);
    this.#textsAt = Math.ceil((TABLE_HEADER_SIZE + options.zones.bytes.length) / 8) * 8;
    this.#textNamesAt = this.#textsAt + this.#texts.length * CHAOS_SIZE;
    this.#nsidAt = this.#textNamesAt + this.#texts.reduce((sum, text) => sum + textSize(text), 0);
    this.#localSoaAt = this.#nsidAt + this.#nsid.length;
    this.#directoryAt = Math.ceil((this.#localSoaAt + LOCAL_SOA_SIZE) / 4) * 4;
    this.size = this.#directoryAt + options.pages.length * 4;
  }

  /** Writes everything but the hashes of the names in it, which sealTable() adds. */
  write(views: MemoryViews, table: number): void {
    const { fields, bytes } = views;
    const { input, zones, generation, negativeSoa, negativeTtl, hasPointers, pages } = this.#options;
    bytes.fill(0, table, table + this.#directoryAt);
    const words: readonly (readonly [number, number])[] = [
      [0, TABLE_MAGIC],
      [TABLE_SIZE, this.size],
      [TABLE_GENERATION, generation],
      [TABLE_FLAGS, flagsOf(input) | (hasPointers ? TABLE_FLAG_POINTERS : 0)],
      [TABLE_DIRECTORY, this.#directoryAt],
      [TABLE_PAGE_MASK, pages.length - 1],
      [TABLE_ZONES, TABLE_HEADER_SIZE],
      [TABLE_ZONE_COUNT, zones.count],
      [TABLE_NEGATIVE_SOA, negativeSoa.address + RECORD_OWNER_SIZE],
      [TABLE_NEGATIVE_SOA_SIZE, negativeSoa.size - RECORD_OWNER_SIZE],
      [TABLE_UDP_PAYLOAD, input.udpPayloadSize],
      [TABLE_NSID, this.#nsidAt],
      [TABLE_NSID_SIZE, this.#nsid.length],
      [TABLE_CHAOS, this.#textsAt],
      [TABLE_CHAOS_COUNT, this.#texts.length],
      [TABLE_ZONE_BUCKETS, zones.bucketsAt],
      [TABLE_ZONE_BUCKET_MASK, zones.bucketCount - 1],
      [TABLE_LOCAL_SOA, this.#localSoaAt],
    ];
    for (const [offset, value] of words) fields.setUint32(table + offset, value, true);
    bytes.set(zones.bytes, table + TABLE_HEADER_SIZE);
    writeTexts(views, table, this.#texts, this.#textsAt, this.#textNamesAt);
    bytes.set(this.#nsid, table + this.#nsidAt);
    writeLocalSoa(views, table + this.#localSoaAt, negativeTtl);
    bytes.set(new Uint8Array(pages.buffer, pages.byteOffset, pages.byteLength), table + this.#directoryAt);
  }
}

/** RFC 6303 section 3, but that clients may not remember longer than elsewhere: a reverse name may come to exist. */
function writeLocalSoa({ fields, bytes }: MemoryViews, at: number, negativeTtl: number): void {
  const ttl = Math.min(LOCAL_TTL, negativeTtl);
  fields.setUint16(at, TYPE_SOA);
  fields.setUint16(at + 2, CLASS_IN);
  fields.setUint32(at + 4, ttl);
  fields.setUint16(at + 8, LOCAL_SOA_SIZE - LOCAL_SOA_MNAME);
  let next = writeName(bytes, at + LOCAL_SOA_MNAME + POINTER_SIZE, 'nobody.invalid.');
  for (const field of [1, 3600, 1200, 604_800, ttl]) {
    fields.setUint32(next, field);
    next += 4;
  }
}

function flagsOf(input: TableInput): number {
  return (
    (input.records !== null ? TABLE_FLAG_LOADED : 0) |
    (input.recursionAvailable ? TABLE_FLAG_RECURSION : 0) |
    (input.forward ? TABLE_FLAG_FORWARD : 0) |
    (input.setTruncateBit ? TABLE_FLAG_TRUNCATE : 0) |
    (input.subnetFirst ? TABLE_FLAG_SUBNET_FIRST : 0) |
    (input.stale ? TABLE_FLAG_STALE : 0)
  );
}
