// How every transport asks the core: one query in, one verdict out. Sockets never build an answer themselves.

/** Who asks: decides answer sizes, the order of addresses (`resolvSubnetFirst`) and access. */
export interface Client {
  readonly transport: 'udp' | 'tcp';
  /** The sender's address, an IP literal without zone index. */
  readonly address: string;
}

export type Verdict =
  /** Send `message`. It is a view of memory that the next call overwrites: send or copy it at once. */
  | { readonly kind: 'answered'; readonly message: Uint8Array }
  /** Say nothing (a response, or less than a header). */
  | { readonly kind: 'dropped' }
  /**
   * A foreign name: `route` 0 is the default `resolvers`, route n the nth zone of `zoneResolvers` in the configuration's
   * order. `query` is what to hand to the forwarder: the query up to its last record, and the options of the answer's OPT
   * record behind it; a view like `message`.
   */
  | { readonly kind: 'forward'; readonly route: number; readonly query: Uint8Array };

export interface Answerer {
  /** @param query one DNS message without TCP's length prefix, 0–65535 octets; it is only read. */
  answer(query: Uint8Array, client: Client): Verdict;
  /** What becomes of the query that answer() has just thrown on: SERVFAIL, unless that fails too. */
  fail(client: Client): Verdict;
}
