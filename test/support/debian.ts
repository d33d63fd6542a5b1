// For tests that need programs of the Debian system: installs the missing packages, or says which ones are missing.

import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const STATUS_FORMAT = `-f=\${db:Status-Status}\\n`;
const OPTIONS = '-y --no-install-recommends -o DPkg::Lock::Timeout=300';
/** Installs "$@" unless another process did so meanwhile; with fresh package lists where the old ones do not do. */
const INSTALL = `
  dpkg-query -W -f '\${db:Status-Status}\\n' "$@" 2>/dev/null | grep -cx installed | grep -qx "$#" && exit 0
  export DEBIAN_FRONTEND=noninteractive
  apt-get install ${OPTIONS} "$@" || { apt-get update && apt-get install ${OPTIONS} "$@"; }
`;

/**
 * Makes sure that these packages are installed. Needs root or a sudo that asks nothing; parallel processes take turns.
 * @throws Error of one line that names what is missing and the command that installs it
 */
export async function requirePackages(...names: readonly string[]): Promise<void> {
  await installMissing(names, () => undefined);
}

/** The same, telling beforehand what is going to be installed, which may take minutes. */
export async function installMissing(
  names: readonly string[],
  onMissing: (missing: readonly string[]) => void,
): Promise<void> {
  const missing = await missingOf(names);
  if (missing.length === 0) return;
  onMissing(missing);

  const byHand = `apt-get install ${missing.join(' ')}`;
  const prefix = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  if (prefix.length > 0 && (await outputOf('sudo', ['-n', 'true'])) === null) {
    throw new Error(`this test needs the Debian packages ${missing.join(', ')}; install them: sudo ${byHand}`);
  }
  const lock = join(tmpdir(), 'mesos-dns-test-packages.lock');
  const [program = '', ...args] = [...prefix, 'flock', '-w', '600', lock, 'sh', '-c', INSTALL, 'sh', ...missing];
  try {
    await run(program, args, { maxBuffer: 64 << 20, timeout: 600_000 });
  } catch (cause) {
    const lines = String((cause as { stderr?: unknown }).stderr ?? cause).trim();
    const last = lines.slice(lines.lastIndexOf('\n') + 1);
    throw new Error(`could not install ${missing.join(', ')} (${last}); install by hand: ${byHand}`, { cause });
  }
}

async function missingOf(names: readonly string[]): Promise<readonly string[]> {
  const states = await Promise.all(names.map((name) => outputOf('dpkg-query', ['-W', STATUS_FORMAT, name])));
  return names.filter((_, index) => states[index]?.trim() !== 'installed');
}

/** What the program printed, or null where it failed or does not exist. */
async function outputOf(program: string, args: readonly string[]): Promise<string | null> {
  try {
    return (await run(program, args)).stdout;
  } catch {
    return null;
  }
}
