// The command line of `npm run fuzz`.

import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import type { CoreBuild } from '../../src/engine/core.ts';

export interface FuzzOptions {
  readonly help: boolean;
  readonly sockets: boolean;
  readonly build: CoreBuild;
  readonly seed: number;
  readonly count: number;
}

export const USAGE = `Sends changed, cut and random queries, and judges every answer.

  npm run fuzz -- [options]              through the module, its memory watched
  npm run fuzz -- --sockets [options]    to the program as it runs: UDP with each driver, and TCP

  --count N     packets (default 1,000,000)
  --seed N      0 to 4294967295; the same seed gives the same packets (default: random)
  --build NAME  release or debug; not with --sockets (default release)
  --help        this text`;

/** @throws Error with one line that names the argument and what was expected. */
export function parseOptions(args: readonly string[]): FuzzOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean' },
      sockets: { type: 'boolean' },
      build: { type: 'string' },
      seed: { type: 'string' },
      count: { type: 'string' },
    },
  });
  const { help = false, sockets = false, build = 'release' } = values;
  if (build !== 'release' && build !== 'debug') throw new Error(`--build ${build}: expected release or debug`);
  return {
    help,
    sockets,
    build,
    seed: values.seed === undefined ? randomInt(2 ** 32) : number('--seed', values.seed, 2 ** 32 - 1),
    count: values.count === undefined ? 1_000_000 : number('--count', values.count, 1e9),
  };
}

function number(flag: string, text: string, largest: number): number {
  const value = Number(text.replaceAll(/[_,]/g, ''));
  if (!Number.isInteger(value) || value < 0 || value > largest) {
    throw new Error(`${flag} ${text}: expected a number from 0 to ${largest}`);
  }
  return value;
}
