import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { silentLogger } from '../../src/observability/logger.ts';
import { SupervisedThread, type ThreadOptions } from '../../src/workers/supervised-thread.ts';

type Report = 'works' | 'gives up';

const READY = "parentPort.postMessage('works');";

const open: SupervisedThread<Report>[] = [];
afterEach(async () => {
  for (const thread of open.splice(0)) await thread.stop(() => {}, 0);
});

/** @param body of the thread; `n` is the number of the start, from 1 */
function supervise(body: string, changes: Partial<ThreadOptions<Report>> = {}) {
  const seen = { starts: 0, restarts: 0, ends: 0, startedAtMs: [] as number[] };
  const code = `import { parentPort, workerData as n } from 'node:worker_threads'; ${body}`;
  const thread = new SupervisedThread<Report>({
    name: 'the thread',
    entry: new URL(`data:text/javascript,${encodeURIComponent(code)}`),
    prepare: () => {
      seen.startedAtMs.push(performance.now());
      return { workerData: ++seen.starts };
    },
    onReport: (report) => (report === 'works' ? 'ready' : new Error(report)),
    onEnded: () => {
      seen.ends += 1;
    },
    onRestart: () => {
      seen.restarts += 1;
    },
    logger: silentLogger(),
    ...changes,
  });
  open.push(thread);
  return { thread, seen };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}

describe('a supervised thread', () => {
  it('has started when it says that it works', async () => {
    const { thread, seen } = supervise(`${READY} setInterval(() => {}, 1000);`);
    await thread.start();
    assert.equal(thread.isRunning, true);
    assert.deepEqual([seen.starts, seen.restarts], [1, 0]);
  });

  it('is not started again where it never worked', async () => {
    const bodies = [
      "parentPort.postMessage('gives up'); setInterval(() => {}, 1000);",
      "throw new Error('at once');",
      '',
    ];
    for (const body of bodies) {
      const { thread, seen } = supervise(body);
      await assert.rejects(thread.start());
      await until(() => seen.ends === 1);
      await new Promise((resolve) => setTimeout(resolve, 150));
      assert.deepEqual([seen.starts, seen.restarts], [1, 0]);
    }
  });

  it('is started again when it fails or ends, more and more slowly', async () => {
    const { thread, seen } = supervise(`${READY} if (n % 2) throw new Error('no'); if (n < 4) process.exit(0);
      setInterval(() => {}, 1000);`);
    // The message and the end of the thread may come in either order.
    await thread.start().catch(() => {});
    await until(() => seen.starts === 4);
    assert.deepEqual([seen.restarts, seen.ends], [3, 3]);
    const [first = 0, second = 0, third = 0, fourth = 0] = seen.startedAtMs;
    assert.ok(second - first >= 99 && third - second >= 199 && fourth - third >= 399);
  });

  it('is tried again where the system could not start it', async () => {
    let attempts = 0;
    const { thread } = supervise(
      `${READY} if (n === 1) setTimeout(() => { throw new Error('no'); }, 20);
      else setInterval(() => {}, 1000);`,
      {
        prepare: () => {
          attempts += 1;
          if (attempts === 2 || attempts === 3) throw new Error('EMFILE');
          return { workerData: attempts };
        },
      },
    );
    await thread.start();
    await until(() => attempts === 4 && thread.isRunning);
  });

  it('is not started again after it was stopped', async () => {
    const { thread, seen } = supervise(`${READY} parentPort.once('message', () => {});`);
    await thread.start();
    await thread.stop(() => thread.post('end'), 5000);
    await new Promise((resolve) => setTimeout(resolve, 150));
    assert.deepEqual([seen.starts, seen.restarts, seen.ends], [1, 0, 1]);
  });

  it('is ended by force where it does not obey', async () => {
    const { thread, seen } = supervise(`${READY} for (;;);`);
    await thread.start();
    await thread.stop(() => {}, 50);
    assert.equal(seen.ends, 1);
  });
});
