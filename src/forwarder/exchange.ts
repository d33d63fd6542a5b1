// What one query to one upstream comes to, over whatever transport, and what transports have in common.

/** The forms in which an upstream can be asked. */
export type Transport = 'udp' | 'tcp' | 'tls';

export type ExchangeOutcome =
  /**
   * A message that answers the query by sender, id, opcode and question; its records have not been looked at.
   * `sameCase`: the question is the query's to the letter.
   */
  | { readonly kind: 'reply'; readonly message: Uint8Array; readonly sameCase: boolean }
  /** Somebody who does not know the id tries to answer: only a connection can be trusted. */
  | { readonly kind: 'forgeries' }
  /** `code` as the system names it (ECONNREFUSED, EMFILE, …), or EBADMSG for an answer to something else over TCP. */
  | { readonly kind: 'error'; readonly code: string };

export interface Exchange {
  /** No outcome is announced any more. What comes still tells about the upstream's health. */
  abandon(): void;
}

export interface ExchangeOptions {
  /** Over UDP: waits for the answer however many forgeries come before it. */
  readonly isPatient?: boolean;
  /** Without a usable id, which is chosen with the socket. Changed, and kept until it is answered. */
  readonly query: Uint8Array;
  /** Called once, never before the function that starts the exchange has returned. */
  readonly onOutcome: (outcome: ExchangeOutcome) => void;
}

/** The sockets that upstreams may have. */
export interface SocketBudget {
  readonly max: number;
  /** Among whom they are shared. */
  upstreams: number;
  /** Gauge: sockets and connections open now. */
  open: number;
}

/** UDP sockets for each upstream, beside one connection; at least one. */
export function shareOf({ max, upstreams }: SocketBudget): number {
  return Math.max(1, Math.floor(max / Math.max(upstreams, 1)) - 1);
}

/** What transports tell about an upstream, whether or not anybody still waits for it. */
export interface UpstreamSigns {
  /** It answered now, after so long. */
  answered(nowMs: number, elapsedMs: number, rcode: number, transport: Transport): void;
  /** Something came that nobody asked for, or from elsewhere. @param hasId it has the id of a query, and another question */
  ignored(hasId: boolean): void;
  /** A query found an open socket or connection, or opened one. */
  socketUsed(transport: Transport, isNew: boolean): void;
}

export function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}
