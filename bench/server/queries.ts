// The questions: drawn once for a zone and a mix, then the same ones in the same order for every server.

import dns from 'dns-packet';
import { type Random, seededRandom } from '../../src/standin/clock.ts';
import type { ServedZone } from './zone.ts';

/** Shares of A, SRV, AAAA and non-existent names (asked for A). */
export const MIXES = {
  a: { title: 'A only', a: 1, srv: 0, aaaa: 0 },
  mixed: { title: '60 % A, 15 % SRV, 10 % AAAA, 15 % NXDOMAIN', a: 0.6, srv: 0.15, aaaa: 0.1 },
} as const;
export type MixName = keyof typeof MIXES;

export interface Question {
  readonly name: string;
  readonly type: 'A' | 'AAAA' | 'SRV';
}

const QUESTIONS = 200_000;

/** AAAA is asked for names that have an A record, as a client of both families does; most have no AAAA. */
export function drawQuestions(zone: ServedZone, mix: MixName, count = QUESTIONS): readonly Question[] {
  const random = seededRandom(42);
  const { a, srv, aaaa } = MIXES[mix];
  return Array.from({ length: count }, (): Question => {
    const kind = random();
    if (kind < a) return { name: pick(zone.addressNames, random), type: 'A' };
    if (kind < a + srv) return { name: pick(zone.serviceNames, random), type: 'SRV' };
    if (kind < a + srv + aaaa) return { name: pick(zone.addressNames, random), type: 'AAAA' };
    return { name: `no-${pick(zone.addressNames, random)}`, type: 'A' };
  });
}

function pick(names: readonly string[], random: Random): string {
  return names[Math.floor(random() * names.length)] ?? '';
}

/** As dnsperf reads them. */
export function dnsperfInput(questions: readonly Question[]): string {
  return questions.map(({ name, type }) => `${name} ${type}\n`).join('');
}

/** As the probe reads them: each message behind its length of two octets, as over TCP. */
export function probeInput(questions: readonly Question[]): Uint8Array {
  return Buffer.concat(
    questions.map(({ name, type }) =>
      dns.streamEncode({
        type: 'query',
        flags: dns.RECURSION_DESIRED,
        questions: [{ type, name: name.replace(/\.$/, '') }],
      }),
    ),
  );
}
