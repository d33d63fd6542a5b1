// Why a DNS socket could not be bound, in words that help the operator.

import { MesosDnsError, messageOf } from '../errors.ts';

/** What the operator can do about the usual reasons. */
const HINTS: Readonly<Record<string, string>> = {
  EACCES: 'ports below 1024 need CAP_NET_BIND_SERVICE (systemd: AmbientCapabilities=) or root',
  EADDRINUSE:
    'another server holds that address and port (systemd-resolved, dnsmasq, another name server?); `ss -lunpt` names it',
  EADDRNOTAVAIL: 'no interface of this machine has that address (yet)',
  EAFNOSUPPORT: 'this machine has no support for that address family',
};

export function listenError(transport: 'UDP' | 'TCP', address: string, port: number, cause: unknown): MesosDnsError {
  const code = cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
  const hint = HINTS[code];
  const endpoint = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
  const reason = code === '' ? messageOf(cause) : code;
  return new MesosDnsError(
    'ERR_LISTEN',
    `cannot listen on ${transport} ${endpoint}: ${reason}${hint === undefined ? '' : `; ${hint}`}`,
    { cause },
  );
}
