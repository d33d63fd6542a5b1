// Reads the election within one ZooKeeper session: list, data of the candidates, and the watches that tell of changes.

import { candidatesOf, type Election, electionOf } from './election.ts';
import { type DecodedMaster, decodeMaster } from './master-info.ts';
import type { ChildrenResult, ZooKeeperSession } from './zookeeper-session.ts';

/** Candidates that vanish between list and read, in one go; each is a real change, so a few are ordinary. */
const MAX_RELISTS = 10;

type Children = Extract<ChildrenResult, { kind: 'children' }>;

export type ElectionReading =
  | { readonly kind: 'election'; readonly election: Election }
  | { readonly kind: 'missing' }
  | { readonly kind: 'no-auth' }
  | { readonly kind: 'ended' };

/** Reads the election in one session, and reads data only where the list of candidates has changed. */
export class ElectionReader {
  readonly #session: ZooKeeperSession;
  readonly #path: string;
  #lastList = '';
  #lastReading: ElectionReading = { kind: 'ended' };

  constructor(session: ZooKeeperSession, path: string) {
    this.#session = session;
    this.#path = path;
  }

  async read(): Promise<ElectionReading> {
    for (let relists = 0; relists < MAX_RELISTS; relists += 1) {
      const list = await this.#session.children(this.#path);
      if (list.kind === 'no-node') {
        const made = await this.#session.exists(this.#path);
        if (made.kind === 'exists') continue; // made between the two calls
        this.#lastList = '';
        return made.kind === 'no-node' ? { kind: 'missing' } : made;
      }
      if (list.kind !== 'children') return list;

      const outcome = await this.#readCandidates(list);
      if (outcome !== 'vanished') return outcome;
    }
    this.#session.end('the candidates kept vanishing while they were read');
    return { kind: 'ended' };
  }

  async #readCandidates(list: Children): Promise<ElectionReading | 'vanished'> {
    const candidates = candidatesOf(list.names);
    const signature = [list.parentId, ...candidates.map(({ name }) => name)].join(' ');
    if (signature === this.#lastList) return this.#lastReading;

    const replies = await Promise.all(candidates.map(({ name }) => this.#session.data(`${this.#path}/${name}`)));
    const decoded: DecodedMaster[] = [];
    for (const [index, reply] of replies.entries()) {
      if (reply.kind === 'no-node') return 'vanished';
      if (reply.kind !== 'data') return reply;
      decoded.push(decodeMaster(candidates[index]?.format ?? 'json', reply.data));
    }
    this.#lastList = signature;
    this.#lastReading = { kind: 'election', election: electionOf(candidates, decoded) };
    return this.#lastReading;
  }
}
