// The value of an SRV record as text, `target.:port`, as records hold it and the HTTP API shows it.

import { UNWRITABLE, wireSize } from './name.ts';

export interface SrvValue {
  /** Ends in a dot. */
  readonly target: string;
  /** Octets of the target on the wire. */
  readonly targetSize: number;
  /** 0–65535. */
  readonly port: number;
}

const MAX_PORT = 65_535;
const NO_PORT = -1;

/**
 * Takes a value apart. A sign in front of the port counts, as in Mesos-DNS (Go's `strconv.Atoi`).
 *
 * @returns null where it cannot be written on the wire: a target without its final dot or not writable, another port.
 */
export function parseSrvValue(value: string): SrvValue | null {
  const colon = value.lastIndexOf(':');
  if (colon < 1 || value.charCodeAt(colon - 1) !== 0x2e) return null;
  const port = parsePort(value, colon + 1);
  if (port === NO_PORT) return null;
  const target = value.slice(0, colon);
  const targetSize = wireSize(target);
  return targetSize === UNWRITABLE ? null : { target, targetSize, port };
}

/** Without a slice or a pattern: a table is built from hundreds of thousands of these. */
function parsePort(text: string, start: number): number {
  const sign = text.charCodeAt(start);
  const isNegative = sign === 0x2d;
  const first = isNegative || sign === 0x2b ? start + 1 : start;
  if (first >= text.length) return NO_PORT;
  let port = 0;
  for (let i = first; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x30 || unit > 0x39) return NO_PORT;
    port = port * 10 + unit - 0x30;
    if (port > MAX_PORT) return NO_PORT;
  }
  return isNegative && port > 0 ? NO_PORT : port;
}
