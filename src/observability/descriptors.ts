// The file descriptors of this process: how many it has, and how many it may have.

import { readdirSync, readFileSync } from 'node:fs';

/** 0 where the system does not tell. */
export function openDescriptors(): number {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return 0;
  }
}

/** The soft limit (RLIMIT_NOFILE), as Linux tells it; Infinity where it is unlimited or not told. */
export function descriptorLimit(limits = readLimits()): number {
  const [, soft] = /^Max open files\s+(\S+)/m.exec(limits) ?? [];
  const limit = Number(soft);
  return Number.isInteger(limit) ? limit : Number.POSITIVE_INFINITY;
}

function readLimits(): string {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return '';
  }
}
