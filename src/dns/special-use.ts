// Names that have no place in the public DNS, and that every server should answer for itself: asking others about them
// brings nothing, and tells them what is none of their business.

import { fqdn, isWithin } from './name.ts';

export interface LocalZone {
  /** Lower case, with its final dot. */
  readonly name: string;
  /** `loopback`: every name has the loopback addresses; `empty`: there is nothing. */
  readonly kind: 'empty' | 'loopback';
}

/** RFC 6761, RFC 6762 (`local`), RFC 7686 (`onion`), RFC 8375 (`home.arpa`). `example` is to be asked for (RFC 6761). */
const NAMES = ['invalid.', 'test.', 'local.', 'onion.', 'home.arpa.'];

/** RFC 6303 section 4 and RFC 7793, as the leading octets of addresses. */
const IPV4_PREFIXES: readonly (readonly number[])[] = [
  [0],
  [10],
  ...range(64, 127).map((octet) => [100, octet]),
  [127],
  [169, 254],
  ...range(16, 31).map((octet) => [172, octet]),
  [192, 0, 2],
  [192, 168],
  [198, 51, 100],
  [203, 0, 113],
  [255, 255, 255, 255],
];

/** RFC 6303 section 4, as the leading hexadecimal digits: `::`, `::1`, ULA (fd00::/8), link-local, documentation. */
const IPV6_PREFIXES = [`${'0'.repeat(32)}`, `${'0'.repeat(31)}1`, 'fd', 'fe8', 'fe9', 'fea', 'feb', '20010db8'];

const SPECIAL_ZONES: readonly LocalZone[] = [
  { name: 'localhost.', kind: 'loopback' },
  ...[
    ...NAMES,
    ...IPV4_PREFIXES.map((octets) => `${octets.toReversed().join('.')}.in-addr.arpa.`),
    ...IPV6_PREFIXES.map((digits) => `${[...digits].toReversed().join('.')}.ip6.arpa.`),
  ].map((name) => ({ name, kind: 'empty' as const })),
];

/**
 * The special-use zones, but for those that the configuration has to do with: inside the domain, or inside a zone that has
 * resolvers of its own. A domain or such a zone below one of them is closer to its names, and goes first.
 */
export function specialZones(domain: string, forwardZones: readonly string[]): readonly LocalZone[] {
  const configured = [domain, ...forwardZones].map(fqdn);
  return SPECIAL_ZONES.filter(({ name }) => !configured.some((zone) => isWithin(name, zone)));
}

function range(first: number, last: number): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}
