// What loading a configuration asks the machine for: files, addresses, names. Tests put something else in its place.

import { lookup } from 'node:dns/promises';
import { open, readFile } from 'node:fs/promises';
import { homedir, networkInterfaces } from 'node:os';

export interface Surroundings {
  /** Rejects with the file system's error. */
  readonly readFile: (path: string) => Promise<Uint8Array>;
  readonly homeDirectory: () => string;
  /** A variable of the environment; undefined where it is not set. */
  readonly environment: (name: string) => string | undefined;
  /** The text of /etc/resolv.conf. Rejects where it cannot be read. */
  readonly resolvConf: () => Promise<string>;
  /** The addresses of this machine's interfaces, loopback included. */
  readonly interfaceAddresses: () => readonly string[];
  /** All addresses of a host name in the system's order. Rejects, or resolves with none, where it has none. */
  readonly lookup: (host: string) => Promise<readonly string[]>;
}

/** So long may a name take: this server is often the machine's own resolver, which then cannot answer yet. */
const LOOKUP_TIMEOUT_MS = 2000;

const READ_BYTES = 64 * 1024;
const MAX_FILE_BYTES = 16 * 1024 * 1024;

export const machine: Surroundings = {
  readFile: readBounded,
  homeDirectory: homedir,
  environment: (name) => process.env[name],
  resolvConf: () => readFile('/etc/resolv.conf', 'utf8'),
  interfaceAddresses: () =>
    Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address)),
  lookup: lookupInTime,
};

/** Reads a file or a pipe to its end. Rejects above MAX_FILE_BYTES: some devices have no end. */
async function readBounded(path: string): Promise<Uint8Array> {
  const file = await open(path);
  try {
    const pieces: Uint8Array[] = [];
    let size = 0;
    for (;;) {
      const { bytesRead, buffer } = await file.read({ buffer: new Uint8Array(READ_BYTES), position: null });
      if (bytesRead === 0) return Buffer.concat(pieces, size);
      size += bytesRead;
      if (size > MAX_FILE_BYTES) throw new Error(`it is larger than ${MAX_FILE_BYTES} bytes`);
      pieces.push(buffer.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}

async function lookupInTime(host: string): Promise<readonly string[]> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${LOOKUP_TIMEOUT_MS} ms`)), LOOKUP_TIMEOUT_MS);
  });
  try {
    const found = await Promise.race([lookup(host, { all: true }), tooLate]);
    return found.map(({ address }) => address);
  } finally {
    clearTimeout(timer);
  }
}
