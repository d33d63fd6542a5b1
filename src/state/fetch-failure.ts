// What went wrong while a master was asked, in words for one log line.

import { messageOf } from '../errors.ts';

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network unreachable',
  EPIPE: 'connection closed',
  ETIMEDOUT: 'no connection in time',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by itself, not by an authority of caCertFile',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not signed by an authority of caCertFile',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not signed by an authority of caCertFile',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is not signed by an authority of caCertFile',
  CERT_SIGNATURE_FAILURE: 'its certificate is not signed by an authority of caCertFile',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak HTTPS',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'it asks for a client certificate (certFile, keyFile)',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'it does not accept the client certificate (certFile)',
  ENOTFOUND: 'the host name does not resolve',
  EAI_AGAIN: 'the host name cannot be resolved at present',
  UND_ERR_CONNECT_TIMEOUT: 'no connection in time',
  UND_ERR_SOCKET: 'connection closed before the answer was complete',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'the answer is not as long as it says',
  UND_ERR_HEADERS_OVERFLOW: 'the headers of the answer are too large',
  Z_BUF_ERROR: 'the packed answer is cut',
  Z_DATA_ERROR: 'the packed answer is damaged',
};

/** One line for an error of the network, of HTTP or of unpacking. */
export function describeFailure(error: unknown): string {
  if (error instanceof Error && error.name === 'HTTPParserError') return `not an HTTP answer (${messageOf(error)})`;
  const code = codeOf(error);
  if (code === null) return messageOf(error);
  return WORDS[code] ?? `${messageOf(error)} (${code})`;
}

/** Whether the connection ended before the answer began, as an idle one does that the master has given up. */
export function isConnectionLoss(error: unknown): boolean {
  return ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes(codeOf(error) ?? '');
}

/** What a master says that recovers, or knows of nobody who leads (503). */
export class NotReadyError extends Error {}

const NO_CONNECTION = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT']);

/** Whether a failure has cost the master next to nothing: no connection came about, or it is not ready to serve. */
export function isAbsence(error: unknown): boolean {
  for (let each = error; each instanceof Error; each = each.cause) {
    if (each instanceof NotReadyError || NO_CONNECTION.has(codeOf(each) ?? '')) return true;
  }
  return false;
}

/** The code of an error, or of the first of several (one per address that was tried). */
function codeOf(error: unknown): string | null {
  if (typeof error !== 'object' || error === null) return null;
  if ('code' in error && typeof error.code === 'string') return error.code;
  if (error instanceof AggregateError) return codeOf(error.errors[0]);
  return null;
}
