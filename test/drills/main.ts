// `npm run drills`: what an operator fears, done on purpose, and measured.

import { parseArgs } from 'node:util';
import { messageOf } from '../../src/errors.ts';
import { churnDrill } from './churn.ts';
import { failoverDrill } from './failover.ts';
import { exitCodeOf, type Finding, findingsTable } from './findings.ts';
import { enterNamespace } from './machines.ts';
import { outageDrill } from './outage.ts';

const USAGE = `Does to the program and its cluster what an operator fears, and measures what clients see.

  npm run drills -- failover [--failovers 20] [--session 4] [--rate 2000] [--seed 1]
  npm run drills -- outage [--minutes 10] [--tasks 5000] [--rate 200]
  npm run drills -- churn [--changes 1000000] [--tasks 5000] [--growth 5]

failover  Three masters in a real ZooKeeper; the leader is killed, cut off or frozen again and again, while tasks end and
          begin. --session: of the masters in ZooKeeper, seconds. Needs root, and Debian's zookeeper,
          default-jre-headless, iproute2 and util-linux.
outage    ZooKeeper and all masters are gone for --minutes; the program is stopped and started meanwhile, and killed and
          started; then all come back. Needs Debian's zookeeper and default-jre-headless.
churn     A stand-in master's tasks end and begin as fast as its event stream is read; the heap is collected and measured ten
          times, and the records are compared with those of a program that has just started. --growth: of memory after the
          first tenth, percent.

--rate: queries per second, for 500 names. --slack 3: times may be three times as long, on a machine that has other work.
Exit code 1: something does not hold; 3: nothing but times and sizes, which a run on a quiet machine may show to hold.`;

const OPTIONS = {
  failovers: { type: 'string', default: '20' },
  session: { type: 'string', default: '4' },
  rate: { type: 'string' },
  seed: { type: 'string', default: '1' },
  slack: { type: 'string', default: '1' },
  changes: { type: 'string', default: '1000000' },
  growth: { type: 'string', default: '5' },
  minutes: { type: 'string', default: '10' },
  tasks: { type: 'string', default: '5000' },
  help: { type: 'boolean', default: false },
} as const;

const { values, positionals } = parseArgs({ allowPositionals: true, options: OPTIONS });

const slack = Number(values.slack);

const DRILLS: Readonly<Record<string, () => Promise<readonly Finding[]>>> = {
  failover: () =>
    failoverDrill({
      failovers: Number(values.failovers),
      sessionSeconds: Number(values.session),
      rate: Number(values.rate ?? 2000),
      seed: Number(values.seed),
      slack,
    }),
  churn: () =>
    churnDrill({
      changes: Number(values.changes),
      tasks: Number(values.tasks),
      growthPercent: Number(values.growth),
    }),
  outage: () =>
    outageDrill({
      minutes: Number(values.minutes),
      tasks: Number(values.tasks),
      rate: Number(values.rate ?? 200),
      slack,
    }),
};

process.exitCode = await main();

async function main(): Promise<number> {
  const [name = ''] = positionals;
  const drill = DRILLS[name];
  if (values.help || drill === undefined) {
    console.log(USAGE);
    return values.help ? 0 : 2;
  }
  try {
    const code = name === 'failover' ? await enterNamespace() : null;
    if (code !== null) return code;
    const findings = await drill();
    console.log(findingsTable(findings));
    return exitCodeOf(findings);
  } catch (error) {
    console.error(messageOf(error));
    return 1;
  }
}
