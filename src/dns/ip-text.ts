// IP addresses as text: which spellings count as an address, the one spelling that records use, and the octets.

export interface IpAddress {
  readonly family: 4 | 6;
  /** IPv4 in dotted form, IPv6 as RFC 5952 writes it. */
  readonly text: string;
}

const GROUPS = 8;
const DOT = 0x2e;
const COLON = 0x3a;
const NO_DIGIT = -1;

/**
 * Reads an address as Mesos-DNS (Go's `net.ParseIP`) does: IPv4 without leading zeros, IPv6 without zone index and with
 * any number of leading zeros in a group. IPv4-mapped IPv6 (`::ffff:10.0.0.1`) counts as IPv4.
 *
 * @returns null for anything else: host names, prefix lengths, brackets, white space.
 */
export function parseIp(text: string): IpAddress | null {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === 0x2e) return parseIPv4(text) === NOT_IPV4 ? null : { family: 4, text };
    if (unit === 0x3a) {
      const groups = ipv6Groups(text);
      if (groups === null) return null;
      return isMapped(groups) ? { family: 4, text: mappedText(groups) } : { family: 6, text: ipv6Text(groups) };
    }
  }
  return null;
}

/** The one spelling of an address that parseIp() reads, so that equal addresses are equal texts; null for other texts. */
export function canonicalIp(text: string): string | null {
  return parseIp(text)?.text ?? null;
}

/** Whether an address stands for "any" (`0.0.0.0`, `::`): something to listen on, nothing to send to. */
export function isUnspecified({ text }: IpAddress): boolean {
  return text === '0.0.0.0' || text === '::';
}

/** What parseIPv4 returns for a text that is no IPv4 address. */
export const NOT_IPV4 = -1;

/**
 * The 32-bit number, first octet highest, of four decimal numbers up to 255, none with a leading zero; or NOT_IPV4.
 * Allocates nothing: a table is built from a million of these.
 *
 * @param start where in the text the address begins; it goes up to the end
 */
export function parseIPv4(text: string, start = 0): number {
  let octets = 1;
  let digits = 0;
  let octet = 0;
  let address = 0;
  for (let i = start; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === 0x2e) {
      if (digits === 0 || ++octets > 4) return NOT_IPV4;
      address = address * 256 + octet;
      digits = 0;
      octet = 0;
    } else if (unit >= 0x30 && unit <= 0x39) {
      if (digits > 0 && octet === 0) return NOT_IPV4;
      octet = octet * 10 + unit - 0x30;
      digits++;
      if (octet > 255) return NOT_IPV4;
    } else {
      return NOT_IPV4;
    }
  }
  return octets === 4 && digits > 0 ? address * 256 + octet : NOT_IPV4;
}

/** Writes the sixteen octets of an address in IPv6 form, an IPv4-mapped one too. @returns false where the text is none */
export function writeIPv6(text: string, bytes: Uint8Array, at: number): boolean {
  const groups = ipv6Groups(text);
  if (groups === null) return false;
  groups.forEach((group, i) => {
    bytes[at + 2 * i] = group >> 8;
    bytes[at + 2 * i + 1] = group & 0xff;
  });
  return true;
}

/** Whether parseIp() reads the text as an IPv6 address. */
export function isIPv6(text: string): boolean {
  const groups = ipv6Groups(text);
  return groups !== null && !isMapped(groups);
}

/** The name under which a PTR record of an address stands (RFC 1035 section 3.5, RFC 3596 section 2.5), with final dot. */
export function reverseName(address: IpAddress): string {
  if (address.family === 4) return `${address.text.split('.').reverse().join('.')}.in-addr.arpa.`;
  const nibbles = (ipv6Groups(address.text) ?? []).map((group) => group.toString(16).padStart(4, '0')).join('');
  return `${[...nibbles].reverse().join('.')}.ip6.arpa.`;
}

/** Without slices and patterns: a table is built from ten thousands of these. */
function ipv6Groups(text: string): number[] | null {
  const groups: number[] = [];
  let gapAt = -1;
  let at = 0;
  if (text.charCodeAt(0) === COLON && text.charCodeAt(1) === COLON) {
    gapAt = 0;
    at = 2;
  }
  while (groups.length < GROUPS && at < text.length) {
    const start = at;
    let group = 0;
    for (let digit = hexDigit(text, at); digit !== NO_DIGIT; digit = hexDigit(text, at)) {
      // However many zeros lead: what is too large stays so.
      group = Math.min(group * 16 + digit, 0x10000);
      at++;
    }
    if (at === start) return null;
    if (text.charCodeAt(at) === DOT) {
      const fits = gapAt < 0 ? groups.length === GROUPS - 2 : groups.length <= GROUPS - 2;
      const address = fits ? parseIPv4(text, start) : NOT_IPV4;
      if (address === NOT_IPV4) return null;
      groups.push(address >>> 16, address & 0xffff);
      at = text.length;
      break;
    }
    if (group > 0xffff) return null;
    groups.push(group);
    if (at === text.length) break;
    if (text.charCodeAt(at) !== COLON || at + 1 === text.length) return null;
    at++;
    if (text.charCodeAt(at) === COLON) {
      if (gapAt >= 0) return null;
      gapAt = groups.length;
      at++;
    }
  }
  if (at < text.length) return null;
  // "::" stands for at least one group of zeros.
  if (groups.length === GROUPS) return gapAt < 0 ? groups : null;
  return gapAt < 0 ? null : withGap(groups, gapAt);
}

/** All groups, where those from one on stand at the end. */
function withGap(groups: readonly number[], gapAt: number): number[] {
  const all = [0, 0, 0, 0, 0, 0, 0, 0];
  const shift = GROUPS - groups.length;
  for (let i = 0; i < groups.length; i++) all[i < gapAt ? i : i + shift] = groups[i] ?? 0;
  return all;
}

function hexDigit(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  if (unit >= 0x30 && unit <= 0x39) return unit - 0x30;
  const letter = unit | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x61 + 10 : NO_DIGIT;
}

function isMapped(groups: readonly number[]): boolean {
  return groups[5] === 0xffff && groups.slice(0, 5).every((group) => group === 0);
}

function mappedText(groups: readonly number[]): string {
  return groups
    .slice(6)
    .map((group) => `${group >> 8}.${group & 0xff}`)
    .join('.');
}

/** RFC 5952 section 4: lower case, no leading zeros, the first of the longest runs of two or more zero groups as "::". */
function ipv6Text(groups: readonly number[]): string {
  let gapAt = -1;
  let gapLength = 1;
  for (let start = 0; start < GROUPS; start++) {
    let end = start;
    while (end < GROUPS && groups[end] === 0) end++;
    if (end - start > gapLength) {
      gapAt = start;
      gapLength = end - start;
    }
    if (end > start) start = end;
  }
  const hex = groups.map((group) => group.toString(16));
  if (gapAt < 0) return hex.join(':');
  return `${hex.slice(0, gapAt).join(':')}::${hex.slice(gapAt + gapLength).join(':')}`;
}
