// Runs the compiled test files with node:test: `node dist/test/run.js [part of a path …]`.
// Files named `*.solo.test.js` measure time or own the machine in another way: they run one by one, after the others.

import { readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';
import { installMissing } from './support/debian.ts';

const root = dirname(fileURLToPath(import.meta.url));
const wanted = process.argv.slice(2);

const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.js'))
  .filter((name) => wanted.length === 0 || wanted.some((part) => name.includes(part)))
  .sort()
  .map((name) => join(root, name));
if (files.length === 0) {
  console.error(`no test file matches ${wanted.join(' ')} below ${relative(process.cwd(), root)}`);
  process.exit(1);
}

/** No file takes so long, unless it hangs: some measure several times, until a busy machine lets them. */
const TEST_LIMIT_MS = 1_800_000;

/** What the tests need of Debian, so that no test has to wait for it. */
const PACKAGES = [
  'bind9',
  'bind9-dnsutils',
  'bind9-host',
  'bsdutils',
  'chromium',
  'curl',
  'default-jre-headless',
  'iproute2',
  'knot-dnsutils',
  'ldnsutils',
  'lintian',
  'man-db',
  'openssl',
  'prometheus',
  'systemd',
  'unbound',
  'util-linux',
  'zookeeper',
] as const;

if (wanted.length === 0) await installPackages();

const totals = { passed: 0, failed: 0 };
await runAll(
  files.filter((file) => !file.endsWith('.solo.test.js')),
  2,
);
await runAll(
  files.filter((file) => file.endsWith('.solo.test.js')),
  1,
);
console.log(`${totals.passed} passed, ${totals.failed} failed`);
process.exitCode = totals.failed === 0 && totals.passed > 0 ? 0 : 1;

async function runAll(group: string[], concurrency: number): Promise<void> {
  if (group.length === 0) return;
  await new Promise<void>((resolve, reject) => {
    const stream = run({ files: group, concurrency, timeout: TEST_LIMIT_MS });
    stream.on('test:pass', (event) => count(event, 'passed'));
    stream.on('test:fail', (event) => count(event, 'failed'));
    stream.on('error', reject);
    const report = stream.compose(new spec());
    report.on('end', resolve);
    report.pipe(process.stdout, { end: false });
  });
}

/** Where that cannot be done, the tests that need a package fail and name it; the others run. */
async function installPackages(): Promise<void> {
  try {
    await installMissing(PACKAGES, (missing) => console.log(`installing Debian packages: ${missing.join(' ')}`));
  } catch (error) {
    console.log(error instanceof Error ? error.message : error);
  }
}

/** Suites are not tests, but a suite that fails by itself (a hook, a crash of its file) must not go unseen. */
function count(
  event: { readonly details: { readonly type?: string | undefined } },
  outcome: 'passed' | 'failed',
): void {
  if (event.details.type === 'suite' && outcome === 'passed') return;
  totals[outcome] += 1;
}
