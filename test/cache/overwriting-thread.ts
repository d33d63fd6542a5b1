// The thread behind torn.test.ts: the cache's writer, which replaces answers without a pause.

import { parentPort, workerData } from 'node:worker_threads';
import { createCoreAnswerer } from '../../src/engine/core-answerer.ts';
import { COUNTS, NAMES, upstreamReply, versionOf } from './versions.ts';

export interface OverwritingSetup {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** Rounds over all names that are complete; then what ends the thread, where it is not 0. */
  readonly shared: Int32Array;
  /** After so many answers everything is forgotten; 0: never. */
  readonly flushEvery: number;
}

if (parentPort === null) throw new Error('overwriting-thread runs as a worker');
const { module, memory, shared, flushEvery } = workerData as OverwritingSetup;
const { stream } = createCoreAnswerer({ module, memory, worker: 0, seed: 0x1234_5678_9abcn });
const answers = Array.from({ length: COUNTS * NAMES }, (_, i) =>
  upstreamReply(versionOf(Math.floor(i / NAMES), i % NAMES)),
);
parentPort.postMessage('started');

let stores = 0;
for (let count = 0; Atomics.load(shared, 1) === 0; count = (count + 1) % COUNTS) {
  for (let name = 0; name < NAMES; name += 1) {
    const answer = answers[count * NAMES + name];
    if (answer === undefined) throw new Error('expected an answer made beforehand');
    if (stream.exports.storeReply(stream.worker, stream.put(answer), 0) === 0)
      throw new Error('expected it to be kept');
    stores += 1;
    if (flushEvery > 0 && stores % flushEvery === 0) stream.exports.flushCache();
  }
  Atomics.add(shared, 0, 1);
}
parentPort.postMessage(stores);
