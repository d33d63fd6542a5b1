// The service under test: one UDP worker over generations built beforehand. Its argument: { stateFile, port, perSecond }.
// SIGUSR2 begins to swap, and another one ends it; then it says how often it has swapped.

import { readFile } from 'node:fs/promises';
import { silentLogger } from '../../src/observability/logger.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import { ServiceSupervisor } from '../../src/workers/supervisor.ts';
import { serviceSettings } from '../../test/support/dns-service.ts';
import { buildGenerations } from '../../test/support/generations.ts';
import { generationInputs, recordsOf } from './zone.ts';

export interface SwapServerSetup {
  readonly stateFile: string;
  readonly port: number;
  /** Swaps. */
  readonly perSecond: number;
}

/** Timers are late where the worker has the core; what was missed is made up for, up to so many at a time. */
const MOST_AT_ONCE = 10;

const setup = JSON.parse(process.argv[2] ?? '{}') as SwapServerSetup;
const generations = await buildGenerations(generationInputs(recordsOf(await readFile(setup.stateFile))));
const supervisor = new ServiceSupervisor({
  settings: serviceSettings({
    module: generations.module,
    memory: generations.memory,
    io: 'batched',
    port: setup.port,
  }),
  logger: silentLogger(),
  metrics: createMetrics(),
});

let timer: NodeJS.Timeout | undefined;
let startMs = 0;
let done = 0;
process.on('SIGUSR2', () => {
  if (timer !== undefined) {
    clearInterval(timer);
    timer = undefined;
    console.log(`swapped ${done}`);
    return;
  }
  startMs = performance.now();
  done = 0;
  timer = setInterval(() => {
    const due = Math.floor(((performance.now() - startMs) / 1000) * setup.perSecond);
    for (let count = Math.min(due - done, MOST_AT_ONCE); count > 0; count -= 1) {
      generations.swap();
      done += 1;
    }
  }, 1000 / setup.perSecond);
});
process.on('SIGTERM', () => void supervisor.stop(0).then(() => process.exit()));
await supervisor.start();
console.log('serving');
