// Finds the master that leads and reads its state: the leader of the election first, then the others, then whoever a
// document names. Masters before 1.0 that do not lead answer 200 with empty lists and the name of the one that does, so a
// document counts only where it comes from the leader that it names.

import { MesosDnsError, messageOf } from '../errors.ts';
import { formatEndpoint, type Master, type MasterSet } from '../leader/leader.ts';
import type { StateClient } from './client.ts';
import { fetchState, type ParseState, type ReadDocument } from './fetch-state.ts';
import { sameHost } from './redirect.ts';

/** A chain of documents that each name another leader ends here. */
const MAX_DOCUMENTS = 4;

/** What this file needs to know of a state. */
export interface NamesLeader {
  /** The master that leads, as the document says: an IP literal as a rule, the port as a number or as spelled. */
  readonly leader: { readonly host: string; readonly port: number | string };
}

export interface ReadState<S> {
  readonly state: S;
  readonly warnings: readonly string[];
  readonly oddElementCount: number;
  readonly document: ReadDocument;
}

export interface LeadingStateOptions<S> {
  readonly client: Pick<StateClient, 'fetch'>;
  readonly parse: ParseState<S>;
  readonly signal: AbortSignal;
}

export interface LeadingStateOutcome<S> {
  /** Null: no master could be asked that leads and has a usable document. */
  readonly found: ReadState<S> | null;
  /** One error per master that failed, ERR_STATE_FETCH or ERR_STATE_DOCUMENT; also those before one that succeeded. */
  readonly failures: readonly MesosDnsError[];
}

/** Never rejects, save with the signal's reason. */
export async function readLeadingState<S extends NamesLeader>(
  masters: MasterSet,
  options: LeadingStateOptions<S>,
): Promise<LeadingStateOutcome<S>> {
  const reader = new Reader(masters.masters, options);
  const failures: MesosDnsError[] = [];
  let forwarded: ReadState<S> | null = null;
  for (const master of inOrder(masters)) {
    try {
      const answer = await reader.readVia(master);
      if (answer.kind === 'leading') return { found: answer.read, failures };
      forwarded ??= answer.read;
    } catch (error) {
      options.signal.throwIfAborted();
      failures.push(
        error instanceof MesosDnsError
          ? error
          : new MesosDnsError('ERR_STATE_FETCH', messageOf(error), { cause: error }),
      );
    }
  }
  return { found: forwarded, failures };
}

/** The masters to ask, the leader first, each endpoint once. */
function inOrder({ leader, masters }: MasterSet): readonly Master[] {
  const all = leader === null ? masters : [leader, ...masters];
  return [...new Map(all.map((master) => [formatEndpoint(master), master])).values()];
}

/**
 * `leading`: from the leader that the document names. `forwarded`: the document names another port of the same machine,
 * and nobody answers there; that is a proxy in front of the leader rather than a master that does not lead, but not surely.
 */
interface Answer<S> {
  readonly kind: 'leading' | 'forwarded';
  readonly read: ReadState<S>;
}

class Reader<S extends NamesLeader> {
  readonly #known: readonly Master[];
  readonly #options: LeadingStateOptions<S>;

  constructor(known: readonly Master[], options: LeadingStateOptions<S>) {
    this.#known = known;
    this.#options = options;
  }

  /** Asks one master and follows what its document says about the leader. */
  async readVia(first: Master): Promise<Answer<S>> {
    const answered = new Set<string>();
    let read = await this.#read(first);
    for (;;) {
      const leader = namedLeader(read);
      answered.add(formatEndpoint(read.document.master));
      if (isFrom(read.document, leader)) return { kind: 'leading', read };
      if (answered.has(formatEndpoint(leader)) || answered.size >= MAX_DOCUMENTS) {
        throw disagreement(read, 'and the masters do not agree');
      }
      try {
        read = await this.#readNamed(leader, first.port, answered);
      } catch (error) {
        this.#options.signal.throwIfAborted();
        if (error instanceof MesosDnsError && error.code === 'ERR_STATE_DOCUMENT') throw error;
        if (isFromHost(read.document, leader.host)) return { kind: 'forwarded', read };
        throw disagreement(read, messageOf(error), error);
      }
    }
  }

  /** Asks a named leader: at the port of the master asked first, as Mesos-DNS did, then at its own. */
  async #readNamed({ host, port }: Master, firstPort: number, answered: ReadonlySet<string>): Promise<ReadState<S>> {
    const own = { host, port };
    const moved = { host, port: firstPort };
    if (firstPort === port || answered.has(formatEndpoint(moved))) return await this.#read(own);
    try {
      return await this.#read(moved);
    } catch {
      this.#options.signal.throwIfAborted();
      return await this.#read(own);
    }
  }

  async #read(master: Master): Promise<ReadState<S>> {
    const { client, parse, signal } = this.#options;
    const { document, read } = await fetchState(client, master, { known: this.#known, signal }, parse);
    try {
      const { state, warnings, oddElementCount } = await read();
      return { state, warnings, oddElementCount: oddElementCount ?? warnings.length, document };
    } catch (error) {
      const endpoint = formatEndpoint(document.master);
      throw new MesosDnsError('ERR_STATE_DOCUMENT', `the state of master ${endpoint} is refused: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }
}

/** Where the port that the document names is no number, only the address counts, as for Mesos-DNS. */
function namedLeader({ state, document }: ReadState<NamesLeader>): Master {
  const port = Number(state.leader.port);
  const usable = Number.isInteger(port) && port >= 1 && port <= 65535;
  return { host: state.leader.host, port: usable ? port : document.master.port };
}

function isFrom(document: ReadDocument, leader: Master): boolean {
  return document.master.port === leader.port && isFromHost(document, leader.host);
}

function isFromHost({ master, addresses }: ReadDocument, host: string): boolean {
  return [master.host, ...addresses].some((address) => sameHost(address, host));
}

function disagreement(read: ReadState<NamesLeader>, what: string, cause?: unknown): MesosDnsError {
  return new MesosDnsError(
    'ERR_STATE_FETCH',
    `master ${formatEndpoint(read.document.master)} names ${formatEndpoint(namedLeader(read))} as the leader: ${what}`,
    { cause },
  );
}
