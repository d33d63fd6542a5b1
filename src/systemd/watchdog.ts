// Feeds the service manager's watchdog (WatchdogSec=), but only while queries are answered: a process that merely runs is
// worth a restart.

import { createSocket } from 'node:dgram';
import { encode } from 'dns-packet';
import type { Logger } from '../observability/logger.ts';
import { familyOf, isWildcard } from '../sockets/socket-address.ts';
import type { Notifier } from './notify.ts';

export interface WatchdogOptions {
  readonly notifier: Notifier;
  readonly intervalMs: number;
  /** Asked over UDP, every one of them; none: it is enough that this thread runs. */
  readonly endpoints: () => readonly { readonly address: string; readonly port: number }[];
  readonly domain: () => string;
  readonly logger: Logger;
}

export interface Watchdog {
  stop(): void;
}

/** Twice as often as it must be, and once more for an answer that is lost. */
const ROUNDS = 3;
const ANSWER_MAX_MS = 2000;

/** How often the service manager wants to hear of this process, milliseconds; null: never. */
export function watchdogInterval(
  environment: Readonly<Record<string, string | undefined>>,
  pid: number,
): number | null {
  const forPid = environment['WATCHDOG_PID'] ?? '';
  const usec = Number(environment['WATCHDOG_USEC']);
  return usec > 0 && (forPid === '' || Number(forPid) === pid) ? usec / 1000 : null;
}

export function startWatchdog({ notifier, intervalMs, endpoints, domain, logger }: WatchdogOptions): Watchdog {
  const roundMs = intervalMs / ROUNDS;
  const round = async () => {
    const silent: string[] = [];
    await Promise.all(
      endpoints().map(async ({ address, port }) => {
        const isAnswered = await answers(address, port, domain(), Math.min(roundMs * 0.8, ANSWER_MAX_MS));
        if (!isAnswered) silent.push(`${address} port ${port}`);
      }),
    );
    if (silent.length === 0) notifier.notify({ WATCHDOG: 1 });
    else
      logger.error(`a query to this server itself was not answered on ${silent.join(', ')}; the watchdog is not fed`);
  };
  void round();
  const timer = setInterval(() => void round(), roundMs);
  return { stop: () => clearInterval(timer) };
}

/** One query for the domain's SOA, through the sockets that clients use. Any answer counts. */
function answers(address: string, port: number, domain: string, timeoutMs: number): Promise<boolean> {
  const family = familyOf(address);
  const target = isWildcard(address) ? (family === 6 ? '::1' : '127.0.0.1') : address;
  const id = Math.floor(Math.random() * 0x10000);
  const query = encode({ type: 'query', id, questions: [{ type: 'SOA', name: domain }] });
  return new Promise((resolve) => {
    const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
    const finish = (isAnswered: boolean) => {
      clearTimeout(timer);
      socket.close();
      resolve(isAnswered);
    };
    const timer = setTimeout(() => finish(false), timeoutMs);
    socket.once('error', () => finish(false));
    socket.on('message', (answer) => {
      if (answer.length >= 12 && answer.readUInt16BE(0) === id) finish(true);
    });
    socket.send(query, port, target);
  });
}
