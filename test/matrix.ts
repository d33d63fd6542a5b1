// Runs the tests on each Node.js release that is supported and with each UDP driver: `npm run test:matrix [part of a path …]`.
// The npm package `node` brings the releases.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const RELEASES = ['20', '24'] as const;
const DRIVERS = ['batched', 'dgram'] as const;

const runner = fileURLToPath(new URL('./run.js', import.meta.url));
const wanted = process.argv.slice(2);
const outcomes = RELEASES.flatMap((release) =>
  DRIVERS.map((driver) => {
    const title = `Node ${release}, io ${driver}`;
    console.log(`\n=== ${title}`);
    const { status } = spawnSync('npx', ['--yes', '-p', `node@${release}`, 'node', runner, ...wanted], {
      stdio: 'inherit',
      env: { ...process.env, MESOS_DNS_IO: driver },
    });
    return { title, passed: status === 0 };
  }),
);

console.log('');
for (const { title, passed } of outcomes) console.log(`${title}: ${passed ? 'passed' : 'FAILED'}`);
process.exitCode = outcomes.every(({ passed }) => passed) ? 0 : 1;
