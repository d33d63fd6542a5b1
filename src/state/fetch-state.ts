// Asks a master for its state, and reads the document while it arrives where it can be: as a whole it would take as much
// memory again as what is made of it.

import type { Master } from '../leader/leader.ts';
import type { BodySink } from './body.ts';
import type { FetchOptions, StateClient, StateDocument } from './client.ts';
import { releaseBytes } from './release.ts';

export interface ParsedDocument<S> {
  readonly state: S;
  /** Each is one line about one odd element. */
  readonly warnings: readonly string[];
  /** Elements of the document that were odd; absent: as many as there are warnings. */
  readonly oddElementCount?: number;
}

/** Reads a document. */
export interface ParseState<S> {
  /** One that is there as a whole. Throws ERR_STATE_DOCUMENT where it cannot be used. */
  (document: Uint8Array): ParsedDocument<S>;
  /** Begins to read one that comes in pieces; absent: each is waited for. */
  readonly arriving?: () => ArrivingDocument<S>;
}

export interface ArrivingDocument<S> extends BodySink {
  /** To be called once, when all of it was added. Throws ERR_STATE_DOCUMENT where it cannot be used. */
  end(): ParsedDocument<S>;
}

/** Where a document came from. Its octets are many, and not kept beside what was made of them. */
export interface ReadDocument extends Pick<StateDocument, 'master' | 'addresses'> {
  readonly sizeBytes: number;
}

export interface FetchedState<S> {
  readonly document: ReadDocument;
  /** To be called once. Throws ERR_STATE_DOCUMENT where the document cannot be used. */
  read(): Promise<ParsedDocument<S>>;
}

/** Rejects with ERR_STATE_FETCH, as StateClient.fetch() does. */
export async function fetchState<S>(
  client: Pick<StateClient, 'fetch'>,
  asked: Master,
  options: FetchOptions,
  parse: ParseState<S>,
): Promise<FetchedState<S>> {
  const arriving = parse.arriving?.();
  const { bytes, master, addresses } = await client.fetch(asked, { ...options, ...(arriving && { sink: arriving }) });
  // Packed ones come as a whole, and so do those of clients that know of no sink.
  const hasArrived = arriving !== undefined && arriving.sizeBytes > 0;
  return {
    document: { master, addresses, sizeBytes: hasArrived ? arriving.sizeBytes : bytes.length },
    async read() {
      try {
        return hasArrived ? arriving.end() : parse(bytes);
      } finally {
        releaseBytes(bytes);
      }
    },
  };
}
