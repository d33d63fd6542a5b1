// Response codes as metrics and the log name them.

/** By number (RFC 6895 section 2.3, RFC 7873). */
const RCODES: Readonly<Record<number, string>> = {
  0: 'NOERROR',
  1: 'FORMERR',
  2: 'SERVFAIL',
  3: 'NXDOMAIN',
  4: 'NOTIMP',
  5: 'REFUSED',
  6: 'YXDOMAIN',
  7: 'YXRRSET',
  8: 'NXRRSET',
  9: 'NOTAUTH',
  10: 'NOTZONE',
  16: 'BADVERS',
  23: 'BADCOOKIE',
};

/** `other` for numbers without a name: a label has a bounded number of values. */
export function rcodeName(rcode: number): string {
  return RCODES[rcode] ?? 'other';
}

/** `RCODE24` for numbers without a name. */
export function rcodeText(rcode: number): string {
  return RCODES[rcode] ?? `RCODE${rcode}`;
}
