// What befalls the whole process: told from what it does itself, by sources that the test sets.

import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { silentLogger } from '../../src/observability/logger.ts';
import { createMetrics, type Metrics } from '../../src/observability/metrics.ts';
import { ProcessWatch } from '../../src/observability/process-watch.ts';

const INTERVAL_MS = 500;

let nowMs: number;
let runnableMs: number;
let failure: string | null;
let metrics: Metrics;
let watch: ProcessWatch;

beforeEach(() => {
  nowMs = 10_000;
  runnableMs = 3000;
  failure = null;
  metrics = createMetrics();
  watch = new ProcessWatch({
    metrics,
    logger: silentLogger(),
    sources: {
      now: () => nowMs,
      runnable: () => runnableMs,
      tryDescriptor: () => {
        if (failure !== null) throw Object.assign(new Error(failure), { code: failure });
      },
    },
  });
});

/** The next look, so much later than it was to be, after so much work. */
function look(lateMs: number, workMs: number): void {
  nowMs += INTERVAL_MS + lateMs;
  runnableMs += workMs;
  watch.look(INTERVAL_MS);
}

async function figure(name: 'pauses' | 'pausedSeconds' | 'descriptorShortages'): Promise<number> {
  return (await metrics[name].get()).values[0]?.value ?? 0;
}

describe('the watch over the process', () => {
  it('counts a pause, and how long it was', async () => {
    look(0, 10);
    look(2500, 0);
    look(0, 10);
    assert.equal(await figure('pauses'), 1);
    assert.equal(await figure('pausedSeconds'), 2.5);
  });

  it('takes a main thread that works for long, or waits for a processor, for none', async () => {
    look(3000, 3200);
    look(0, 400);
    look(900, 0);
    assert.equal(await figure('pauses'), 0);
    assert.equal(await figure('pausedSeconds'), 0);
  });

  it('counts the pause within a long stretch of work', async () => {
    look(5000, 2000);
    assert.equal(await figure('pauses'), 1);
    assert.equal(await figure('pausedSeconds'), 3);
  });

  it('counts each time that there is no file descriptor once, of the process or of the machine', async () => {
    for (const each of [null, 'EMFILE', 'EMFILE', null, 'ENFILE', null]) {
      failure = each;
      look(0, 0);
    }
    assert.equal(await figure('descriptorShortages'), 2);
  });

  it('takes no other failure for a lack of descriptors', async () => {
    failure = 'EACCES';
    look(0, 0);
    assert.equal(await figure('descriptorShortages'), 0);
  });
});
