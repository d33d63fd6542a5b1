// WebAssembly binaries as bytes: small modules built by hand, and the sections of any module.

export const SECTION_IMPORT = 2;
export const SECTION_DATA = 11;

export interface TinyModule {
  /** Names of imported memories in `env`. */
  readonly memories: readonly string[];
  /** Exported functions; they do nothing. */
  readonly functions: readonly string[];
  /** Exported global constants, 0–63. */
  readonly globals: Readonly<Record<string, number>>;
}

export function tinyModule({ memories, functions, globals }: TinyModule): Uint8Array {
  const constants = Object.entries(globals);
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, [[0x60, 0x00, 0x00]]),
    // A shared memory (flags 3) of 1 to 65,536 pages.
    ...section(
      SECTION_IMPORT,
      memories.map((name) => [...text('env'), ...text(name), 0x02, 0x03, 0x01, 0x80, 0x80, 0x04]),
    ),
    ...section(
      3,
      functions.map(() => [0x00]),
    ),
    ...section(
      6,
      constants.map(([, value]) => [0x7f, 0x00, 0x41, value, 0x0b]),
    ),
    ...section(7, [
      ...functions.map((name, i) => [...text(name), 0x00, i]),
      ...constants.map(([name], i) => [...text(name), 0x03, i]),
    ]),
    ...section(
      10,
      functions.map(() => [0x02, 0x00, 0x0b]),
    ),
  ]);
}

/** A section of less than 16,384 octets: a vector of less than 128 entries. */
function section(id: number, entries: readonly (readonly number[])[]): number[] {
  if (entries.length === 0) return [];
  const content = [entries.length, ...entries.flat()];
  return [id, (content.length & 0x7f) | 0x80, content.length >> 7, ...content];
}

function text(value: string): number[] {
  return [value.length, ...Buffer.from(value, 'latin1')];
}

export interface Section {
  readonly id: number;
  readonly content: Uint8Array;
}

/** The sections of a module in their order. */
export function sectionsOf(module: Uint8Array): Section[] {
  const sections: Section[] = [];
  for (let at = 8; at < module.length; ) {
    const id = module[at] ?? 0;
    const [size, start] = readUnsigned(module, at + 1);
    sections.push({ id, content: module.subarray(start, start + size) });
    at = start + size;
  }
  return sections;
}

/** A LEB128 number and the offset behind it. */
function readUnsigned(bytes: Uint8Array, from: number): [value: number, end: number] {
  let value = 0;
  for (let at = from, scale = 1; ; at++, scale *= 128) {
    const octet = bytes[at] ?? 0;
    value += (octet & 0x7f) * scale;
    if (octet < 0x80) return [value, at + 1];
  }
}
