// What the core is told beside the zone: words and secrets in the control block, which hold for every table.

import { randomBytes } from 'node:crypto';
import { maskOf, type Network } from '../dns/network.ts';
import {
  CONTROL_NETWORK_LISTS,
  NETWORK_ADDRESS,
  NETWORK_FAMILY,
  NETWORK_MASK,
  NETWORK_SIZE,
  NETWORKS_FIRST,
  NETWORKS_MAX,
  NETWORKS_SIZE,
  SECRET_SIZE,
  SECRETS_MAX,
} from './contract.ts';
import { controlViews } from './memory.ts';

export interface CookieOptions {
  /** The first one makes cookies, all are accepted; 16 octets each, at most SECRETS_MAX. Empty: random ones, in turn. */
  readonly secrets: readonly Uint8Array[];
  /** How long a random secret makes cookies, before another one does. */
  readonly rotationMs?: number;
}

/** A day, as RFC 7873 section 7.1 suggests: far longer than cookies are valid, so that at most two secrets are in use. */
const ROTATION_MS = 86_400_000;

/**
 * Makes the core answer COOKIE options (RFC 7873), or with null leave them alone.
 * @returns a function that ends the rotation of secrets; cookies are answered on
 */
export function startCookies(memory: WebAssembly.Memory, options: CookieOptions | null): () => void {
  const { secretCount, secretMaker, secrets: room } = controlViews(memory);
  if (options === null) {
    Atomics.store(secretCount, 0, 0);
    return () => {};
  }
  const { secrets, rotationMs } = options;
  if (secrets.length > 0) {
    const used = secrets.slice(0, SECRETS_MAX);
    for (const [i, secret] of used.entries()) room.set(secret.subarray(0, SECRET_SIZE), i * SECRET_SIZE);
    Atomics.store(secretMaker, 0, 0);
    Atomics.store(secretCount, 0, used.length);
    return () => {};
  }
  const random = (index: number) => {
    room.set(randomBytes(SECRET_SIZE), index * SECRET_SIZE);
    Atomics.store(secretMaker, 0, index);
  };
  random(1);
  random(0);
  Atomics.store(secretCount, 0, 2);
  // The secret that is overwritten made its last cookie a whole turn ago.
  const timer = setInterval(() => random(1 - (secretMaker[0] ?? 0)), rotationMs ?? ROTATION_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/** Makes the core offer to keep idle TCP connections for so long, where clients ask (RFC 7828). */
export function offerKeepalive(memory: WebAssembly.Memory, idleMs: number): void {
  Atomics.store(controlViews(memory).keepalive, 0, Math.min(0xffff, Math.floor(idleMs / 100)));
}

/** Makes the core limit the responses that a prefix of clients gets over UDP. */
export function limitRate(memory: WebAssembly.Memory, perSecond: number, slip: number): void {
  const views = controlViews(memory);
  views.rateSeed[0] = randomBytes(8).readBigUInt64LE();
  Atomics.store(views.slip, 0, slip);
  Atomics.store(views.rate, 0, perSecond);
}

/** Makes the core forward queries from these networks alone; those beyond NETWORKS_MAX are left out. */
export function allowNetworks(memory: WebAssembly.Memory, networks: readonly Network[]): void {
  const { networks: inForce, networkLists } = controlViews(memory);
  // The list that is not in force; whoever still reads the one before it began to long ago.
  const list = inForce[0] === CONTROL_NETWORK_LISTS ? NETWORKS_SIZE : 0;
  const used = networks.slice(0, NETWORKS_MAX);
  networkLists.setUint32(list, used.length, true);
  for (const [i, { family, address, prefix }] of used.entries()) {
    const at = list + NETWORKS_FIRST + i * NETWORK_SIZE;
    networkLists.setUint32(at + NETWORK_FAMILY, family === 4 ? 1 : 2, true);
    const mask = maskOf(prefix);
    for (let octet = 0; octet < 16; octet += 1) {
      networkLists.setUint8(at + NETWORK_ADDRESS + octet, address[octet] ?? 0);
      networkLists.setUint8(at + NETWORK_MASK + octet, mask[octet] ?? 0);
    }
  }
  Atomics.store(inForce, 0, CONTROL_NETWORK_LISTS + list);
}
