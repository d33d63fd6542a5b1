// The one door to what the core and the host share: the memory layout, the verdicts, and the module's exports.

export * from '../../assembly/shared/layout.ts';
export * from '../../assembly/shared/status.ts';

/** What the module exports; checked name by name when it is instantiated. */
export interface CoreExports {
  /** Answers the first `count` slots of the worker block at an address; results are in their descriptors. */
  answerBatch(worker: number, count: number): void;
  /** Answers one slot alone; for what is left of a batch after a trap. */
  answerSlot(worker: number, slot: number): void;
  /** Answers SERVFAIL to a slot that answering has trapped on; STREAM_SLOT too. */
  failSlot(worker: number, slot: number): void;
  /** Answers the message in the stream slot of the worker block at an address. */
  answerStream(worker: number): void;
  /** Reads the message in the stream slot. Not 0: it is a well-formed query. */
  parseStream(worker: number): number;
  /** Looks up and answers what parseStream() read. Returns the reply's length. */
  encodeStream(worker: number): number;
  /** Makes the cache in a region of zeros. Main thread only. */
  openCache(cache: number, size: number): void;
  /** Forgets what is in the cache. The cache's one writer only, as all up to askAgain(). */
  flushCache(): void;
  /** Forgets the name of the question in the stream slot and those below it. Returns the number of answers. */
  flushName(worker: number, length: number): number;
  /** Keeps the upstream's answer in the stream slot. `options`: KEY_… of the query. Not 0: it is kept. */
  storeReply(worker: number, length: number, options: number): number;
  /** Replaces the query in the stream slot by its answer. Returns the length, negative where it is out of date; 0: none. */
  findReply(worker: number, length: number, route: number, isLastResort: number): number;
  /** Writes the query that refreshes the entry with the key hash at an address. Returns 0 where that is gone. */
  askAgain(worker: number, hash: number): number;
  /** Hashes the names of the zones of the table at an address. Main thread only, as all below. */
  sealTable(table: number): void;
  /** Index in the directory of the page that the name of the node at an address belongs to. */
  pageOfNode(table: number, node: number): number;
  /** Address of the table's node with the same name, or 0. */
  sameNode(table: number, node: number): number;
  /** Puts a node into its page. Returns the address of the node that it replaced, 0, or -1 where the page is full. */
  insertNode(table: number, node: number): number;
  /** Writes the nodes of a list of names, LIST_…, and puts them into their pages. */
  insertNames(table: number, list: number): void;
  /** Removes the node with the same name. Returns its address, or 0. */
  removeNode(table: number, node: number): number;
  /** Writes the body of a list of services, SERVICES_…, between two addresses. Returns the address behind it, or 0. */
  writeServices(table: number, list: number, body: number, end: number): number;
}

export const CORE_FUNCTIONS = [
  'answerBatch',
  'answerSlot',
  'failSlot',
  'answerStream',
  'parseStream',
  'encodeStream',
  'openCache',
  'flushCache',
  'flushName',
  'storeReply',
  'findReply',
  'askAgain',
  'sealTable',
  'pageOfNode',
  'sameNode',
  'insertNode',
  'insertNames',
  'removeNode',
  'writeServices',
] as const satisfies (keyof CoreExports)[];
