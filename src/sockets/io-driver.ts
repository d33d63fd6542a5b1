// Which of the two UDP drivers serves: the batched one, where it works on this machine and is wanted.

import { endianness } from 'node:os';
import { messageOf } from '../errors.ts';
import { checkBatches } from './batch-check.ts';
import { checkDatagrams } from './datagram-check.ts';
import { type Libc, loadLibc } from './libc.ts';

export type IoWanted = 'auto' | 'batched' | 'dgram';

export type IoDriver =
  | { readonly kind: 'batched'; readonly libc: Libc; readonly reason: string }
  | { readonly kind: 'dgram'; readonly reason: string /** It is not what was wanted. */; readonly isFallback: boolean };

/** What the choice depends on, for tests. */
export interface IoMachine {
  readonly platform: string;
  readonly arch: string;
  readonly isLittleEndian: boolean;
  loadLibc(): Promise<Libc>;
  check(libc: Libc): void;
}

/** Those whose layouts and numbers libc.ts knows. */
const ARCHITECTURES = ['x64', 'arm64'];

const MACHINE: IoMachine = {
  platform: process.platform,
  arch: process.arch,
  isLittleEndian: endianness() === 'LE',
  loadLibc,
  check(libc) {
    checkBatches(libc);
    checkDatagrams(libc);
  },
};

/** The C library, for other uses than UDP; null where its layouts are not known or it cannot be loaded. */
export async function loadKnownLibc(machine: IoMachine = MACHINE): Promise<Libc | null> {
  const { platform, arch, isLittleEndian } = machine;
  if (platform !== 'linux' || !ARCHITECTURES.includes(arch) || !isLittleEndian) return null;
  try {
    return await machine.loadLibc();
  } catch {
    return null;
  }
}

/** Never throws. The C library is not touched where `dgram` is wanted or the platform is another one. */
export async function chooseIo(wanted: IoWanted, machine: IoMachine = MACHINE): Promise<IoDriver> {
  if (wanted === 'dgram') return { kind: 'dgram', reason: 'io is "dgram"', isFallback: false };
  const { platform, arch, isLittleEndian } = machine;
  if (platform !== 'linux' || !ARCHITECTURES.includes(arch) || !isLittleEndian) {
    const reason = `"batched" needs Linux on ${ARCHITECTURES.join(' or ')}, this is ${platform} on ${arch}`;
    return { kind: 'dgram', reason, isFallback: wanted === 'batched' };
  }
  let libc: Libc;
  try {
    libc = await machine.loadLibc();
  } catch (error) {
    return { kind: 'dgram', reason: `koffi cannot be loaded: ${messageOf(error)}`, isFallback: true };
  }
  try {
    machine.check(libc);
  } catch (error) {
    return { kind: 'dgram', reason: `"batched" failed its check: ${messageOf(error)}`, isFallback: true };
  }
  return { kind: 'batched', libc, reason: `${platform} on ${arch}, checked` };
}
