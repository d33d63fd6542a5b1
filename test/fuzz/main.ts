// `npm run fuzz`: as many fuzzed queries as wanted, with progress, rate and result.

import { messageOf } from '../../src/errors.ts';
import { fuzzCore } from './fuzz-core.ts';
import { fuzzSockets, WAYS } from './fuzz-sockets.ts';
import { type FuzzOptions, parseOptions, USAGE } from './options.ts';

const PROGRESS_EVERY_MS = 5000;
/** What one packet may cost, of answers over UDP (the slowest of a run, repeated). */
const LIMIT_MICROS = 20;

let options: FuzzOptions;
try {
  options = parseOptions(process.argv.slice(2));
} catch (error) {
  console.error(messageOf(error));
  process.exit(2);
}
if (options.help) {
  console.log(USAGE);
} else {
  console.log(`seed ${options.seed}, ${options.count.toLocaleString('en')} packets`);
  try {
    await (options.sockets ? fuzzProcess(options) : fuzzModule(options));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}

async function fuzzModule({ build, seed, count }: FuzzOptions): Promise<void> {
  const { onProgress, perSecond } = progress(count);
  const result = await fuzzCore({ build, seed, count, onProgress });
  const { answer, forward, silence } = result.reactions;
  const rcodes = [...result.rcodes].sort(([a], [b]) => a - b).map(([rcode, times]) => `${rcode}: ${times}`);
  const [slowest] = result.slowest;
  console.log(
    [
      `${result.count.toLocaleString('en')} packets through the ${build} module, ${perSecond(result.count)} per second:`,
      `${answer} answered, ${forward} to be forwarded, ${silence} dropped; answers by rcode: ${rcodes.join(', ')}`,
      'every answer is due, readable and within its size; nothing was written outside the slots and the own block',
      `the slowest packet, of ${result.slowest.length} repeated: ${slowest?.micros.toFixed(1)} µs`,
    ].join('\n'),
  );
  if (slowest === undefined || slowest.micros < LIMIT_MICROS) return;
  const query = Buffer.from(slowest.query).toString('hex');
  throw new Error(`a packet takes ${slowest.micros} µs, more than ${LIMIT_MICROS}: ${query}`);
}

/** A third of the packets each way. */
async function fuzzProcess({ seed, count }: FuzzOptions): Promise<void> {
  for (const way of WAYS) {
    const share = Math.ceil(count / WAYS.length);
    const { onProgress, perSecond } = progress(share);
    const { sent, answered, resent, residentBytes } = await fuzzSockets({ way, seed, count: share, onProgress });
    console.log(
      [
        `${way === 'tcp' ? 'TCP' : `UDP, io ${way}`}: ${sent.toLocaleString('en')} packets, ${perSecond(sent)} per second;`,
        `${answered} answers, every one due, readable and within its size; ${resent} packets sent again;`,
        `the process lives, answers as before, and has ${(residentBytes / 1e6).toFixed(0)} MB resident`,
      ].join(' '),
    );
  }
}

function progress(total: number) {
  const started = performance.now();
  let shown = started;
  const perSecond = (count: number) => Math.round(count / ((performance.now() - started) / 1000)).toLocaleString('en');
  const onProgress = (count: number) => {
    if (performance.now() - shown < PROGRESS_EVERY_MS) return;
    shown = performance.now();
    console.log(
      `${((count / total) * 100).toFixed(0)} %: ${count.toLocaleString('en')}, ${perSecond(count)} per second`,
    );
  };
  return { onProgress, perSecond };
}
