// A generation of the zone as it stands in memory: what is kept of it serves again in another process, where it is put into
// the same place. Addresses in it stay right, so that nothing has to be built. The header is made anew: it says what the
// configuration of then need not say.

import { foldCase, fqdn } from '../dns/name.ts';
import type { RecordSet } from '../records/record-set.ts';
import type { Arena, Region } from './arena.ts';
import { type CoreExports, PAGE_SIZE, PAGES_MAX, TABLE_ALIGN } from './contract.ts';
import { MEMORY_LIMIT_MAX, type MemoryViews, wholeMemoryViews } from './memory.ts';
import { TableHeader } from './table-header.ts';
import { negativeTtlOf, type TableInput } from './table-input.ts';
import { ZoneList } from './zone-list.ts';

/** Plain values: it is kept as text. Addresses and sizes in octets. */
export interface TableImage {
  readonly serial: number;
  /** Addresses of the index pages, in the order of their numbers. */
  readonly pages: readonly number[];
  /** Of the heap, as far as they are filled. */
  readonly segments: readonly Region[];
  /** The SOA record of negative answers, in a segment. */
  readonly negativeSoa: Region;
  /** Where the serial stands, in segments. */
  readonly serialsAt: readonly number[];
  readonly hasPointers: boolean;
}

/** The parts of an image, in the order in which they are kept. */
export function regionsOf({ pages, segments }: TableImage): readonly Region[] {
  return [...pages.map((address) => ({ address, size: PAGE_SIZE })), ...segments];
}

export interface Place {
  readonly core: CoreExports;
  readonly memory: WebAssembly.Memory;
  readonly arena: Arena;
}

/**
 * Puts an image where it was, under a header of its own.
 * @returns null where that place is taken; the header, and all that it leads to
 */
export function placeImage(
  { core, memory, arena }: Place,
  image: TableImage,
  input: TableInput,
  generation: number,
  fill: (parts: readonly Uint8Array[]) => void,
): { readonly header: Region; readonly regions: readonly Region[] } | null {
  const parts = regionsOf(image);
  const regions: Region[] = [];
  let isPlaced = false;
  try {
    for (const { address, size } of parts) {
      const region = { address, size: Math.ceil(size / TABLE_ALIGN) * TABLE_ALIGN };
      if (!arena.claim(region)) return null;
      regions.push(region);
    }
    const { bytes } = wholeMemoryViews(memory);
    fill(parts.map(({ address, size }) => bytes.subarray(address, address + size)));
    const header = headerOf(image, input, generation);
    const region = arena.allocate(header.size);
    regions.push(region);
    const views = wholeMemoryViews(memory);
    header.write(views, region.address);
    core.sealTable(region.address);
    writeSerial(views, image, input);
    isPlaced = true;
    return { header: region, regions };
  } finally {
    if (!isPlaced) for (const region of regions) arena.release(region);
  }
}

function headerOf(image: TableImage, input: TableInput, generation: number): TableHeader {
  return new TableHeader({
    input: { ...input, records: input.records ?? SOME_RECORDS },
    zones: new ZoneList(foldCase(fqdn(input.domain)), input.forwardZones, input.localZones),
    generation,
    negativeSoa: image.negativeSoa,
    negativeTtl: negativeTtlOf(input.ttl, input.soa),
    hasPointers: image.hasPointers,
    pages: Uint32Array.from(image.pages),
  });
}

/** The serial of today, which may be later. */
function writeSerial({ fields }: MemoryViews, { serialsAt }: TableImage, { soa }: TableInput): void {
  for (const at of serialsAt) fields.setUint32(at, soa.serial);
}

/** The header says only that there are any. */
const SOME_RECORDS: RecordSet = {
  as: new Map(),
  aaaas: new Map(),
  srvs: new Map(),
  ptrs: new Map(),
  aliases: new Map(),
};

/**
 * Takes an image from text that came from elsewhere.
 * @returns null where it is none, or fits into no memory: then nothing of it may be put anywhere
 */
export function imageFrom(value: unknown): TableImage | null {
  if (typeof value !== 'object' || value === null) return null;
  const { serial, pages, segments, negativeSoa, serialsAt, hasPointers } = value as Partial<TableImage>;
  const isSize = (number: unknown): number is number => Number.isInteger(number) && (number as number) >= 0;
  const isRegion = (region: Region | undefined): region is Region =>
    isSize(region?.address) && isSize(region.size) && region.address + region.size <= MEMORY_LIMIT_MAX;
  const isAligned = (address: unknown) => isSize(address) && address % TABLE_ALIGN === 0;
  if (!isSize(serial) || typeof hasPointers !== 'boolean') return null;
  if (!Array.isArray(pages) || pages.length > PAGES_MAX || !isPowerOfTwo(pages.length)) return null;
  if (!pages.every((address) => isAligned(address) && isRegion({ address, size: PAGE_SIZE }))) return null;
  if (!Array.isArray(segments) || segments.length === 0) return null;
  if (!segments.every((segment) => isRegion(segment) && isAligned(segment.address))) return null;
  const isInside = ({ address, size }: Region) =>
    segments.some((segment) => segment.address <= address && address + size <= segment.address + segment.size);
  if (!isRegion(negativeSoa) || !isInside(negativeSoa)) return null;
  if (!Array.isArray(serialsAt)) return null;
  if (!serialsAt.every((address) => isSize(address) && isInside({ address, size: 4 }))) return null;
  return { serial, pages, segments, negativeSoa, serialsAt, hasPointers };
}

function isPowerOfTwo(number: number): boolean {
  return number > 0 && (number & (number - 1)) === 0;
}
