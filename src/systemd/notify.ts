// Tells the service manager what this process is about: sd_notify(3), one datagram to the socket that NOTIFY_SOCKET names.
//
// Node has no Unix datagram sockets, so the C library sends it; where that is not at hand, the program systemd-notify does,
// which the unit must allow (NotifyAccess=all). Without NOTIFY_SOCKET nothing is sent.

import { execFile } from 'node:child_process';
import { messageOf } from '../errors.ts';
import type { Logger } from '../observability/logger.ts';
import { AF_UNIX, type Libc, MSG_NOSIGNAL, must, SOCK_CLOEXEC, SOCK_DGRAM } from '../sockets/libc.ts';
import { encodeUnixAddress } from '../sockets/socket-address.ts';

/** Assignments as sd_notify(3) lists them. */
export interface ServiceState {
  readonly READY?: 1;
  readonly RELOADING?: 1;
  readonly STOPPING?: 1;
  readonly WATCHDOG?: 1;
  /** CLOCK_MONOTONIC, microseconds; belongs to RELOADING. */
  readonly MONOTONIC_USEC?: bigint;
  /** Microseconds from now that starting, reloading or stopping may still take. */
  readonly EXTEND_TIMEOUT_USEC?: number;
  /** One line for people. */
  readonly STATUS?: string;
}

export interface Notifier {
  /** Somebody listens. */
  readonly isHeard: boolean;
  /** Never throws: who cannot be told is not a reason to stop serving. */
  notify(state: ServiceState): void;
}

export interface NotifierOptions {
  /** null: not at hand. */
  readonly libc: Libc | null;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
}

export function createNotifier({ libc, environment, logger }: NotifierOptions): Notifier {
  const path = environment['NOTIFY_SOCKET'] ?? '';
  if (path === '') return { isHeard: false, notify: () => undefined };
  let hasFailed = false;
  const failed = (error: unknown) => {
    // Once is enough: what does not work now will not later.
    if (!hasFailed) logger.warn(`the service manager cannot be told: ${messageOf(error)} (NOTIFY_SOCKET ${path})`);
    hasFailed = true;
  };
  if (libc === null) return { isHeard: true, notify: (state) => notifyByProgram(state, failed) };
  const send = datagramSender(libc, path, failed);
  return { isHeard: true, notify: (state) => send(formatState(state)) };
}

/** `KEY=value` lines, in the order of the object. */
export function formatState(state: ServiceState): string {
  return Object.entries(state)
    .map(([key, value]) => `${key}=${String(value).replaceAll('\n', ' ')}`)
    .join('\n');
}

/** CLOCK_MONOTONIC as MONOTONIC_USEC wants it. */
export function monotonicUsec(): bigint {
  return process.hrtime.bigint() / 1000n;
}

function datagramSender(libc: Libc, path: string, failed: (error: unknown) => void): (text: string) => void {
  let address: Uint8Array<ArrayBuffer>;
  let fd: number;
  try {
    address = encodeUnixAddress(path);
    fd = must(libc, 'socket', libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  } catch (error) {
    failed(error);
    return () => undefined;
  }
  return (text) => {
    const data = Uint8Array.from(Buffer.from(text));
    try {
      must(libc, 'sendto', libc.sendto(fd, data.buffer, data.length, MSG_NOSIGNAL, address.buffer, address.length));
    } catch (error) {
      failed(error);
    }
  };
}

function notifyByProgram(state: ServiceState, failed: (error: unknown) => void): void {
  execFile('systemd-notify', [`--pid=${process.pid}`, ...formatState(state).split('\n')], (error) => {
    if (error !== null) failed(error);
  });
}
