// A Debian system that is booted, with systemd as its first process, in a container that shares the network of this process.
//
// systemd-nspawn starts it without a service manager around it; commands run inside by entering the namespaces of its first
// process. The system as it is before anything is installed is made once and kept.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { cacheDirectory } from '../../packaging/runtime.ts';
import { installMissing } from './debian.ts';

const run = promisify(execFile);

const SUITE = 'bookworm';
const MIRROR = 'http://deb.debian.org/debian';
const NEEDED = ['debootstrap', 'systemd-container', 'util-linux', 'iproute2'];
const INCLUDED = ['dbus', 'systemd-sysv', 'libstdc++6'];
/** Far beyond what they take: other work may be going on. */
const BOOT_LIMIT_MS = 180_000;
const COMMAND_LIMIT_MS = 120_000;
const LAST_LINES = 20;

/**
 * Makes the system, unless an earlier run did. Needs the network.
 * @throws Error that says what could not be done, and what debootstrap said last
 */
export async function prepareSystem(): Promise<string> {
  await installMissing(NEEDED, (missing) => console.log(`installing Debian packages: ${missing.join(' ')}`));
  // One that was made with other packages is another one.
  const system = join(cacheDirectory(), [SUITE, ...INCLUDED].join('-'));
  if (existsSync(system)) return system;
  await mkdir(cacheDirectory(), { recursive: true });
  const unfinished = await mkdtemp(join(cacheDirectory(), 'unfinished-'));
  const options = ['--variant=minbase', `--include=${INCLUDED.join(',')}`, SUITE, unfinished, MIRROR];
  console.log(`making a ${SUITE} system from ${MIRROR}`);
  try {
    // What it mounts goes with it, however it ends.
    await run('unshare', ['--mount', 'debootstrap', ...options], { maxBuffer: 64 << 20 });
    await chmod(unfinished, 0o755);
    await rename(unfinished, system);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    const { stdout = '', stderr = String(error) } = error as { stdout?: string; stderr?: string };
    const said = `${stdout}${stderr}`.trim().split('\n').slice(-LAST_LINES).join('\n');
    throw new Error(`debootstrap could not make a ${SUITE} system from ${MIRROR}:\n${said}`);
  }
  return system;
}

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  /** Both streams, one behind the other. */
  readonly output: string;
}

export class BootedContainer {
  /** Where its files are, seen from here. */
  readonly root: string;
  readonly #folder: string;
  readonly #nspawn: ChildProcess;
  readonly #pid: number;

  private constructor(folder: string, nspawn: ChildProcess, pid: number) {
    this.#folder = folder;
    this.root = join(folder, 'root');
    this.#nspawn = nspawn;
    this.#pid = pid;
  }

  /** Boots a copy of the system and returns when systemd says that all is up. */
  static async boot(system: string): Promise<BootedContainer> {
    const folder = await mkdtemp(join(tmpdir(), 'mesos-dns-container-'));
    const root = join(folder, 'root');
    await run('cp', ['-a', '--reflink=auto', system, root]);
    const alone = ['--register=no', '--keep-unit', '--resolv-conf=off', '--timezone=off', '--console=pipe'];
    const nspawn = spawn('systemd-nspawn', ['--quiet', '--boot', `--directory=${root}`, ...alone], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: '1' },
    });
    let said = '';
    nspawn.stderr.on('data', (piece) => {
      said += String(piece);
    });
    let container: BootedContainer | null = null;
    for (let waitedMs = 0; waitedMs < BOOT_LIMIT_MS && nspawn.exitCode === null; waitedMs += 200) {
      await sleep(200);
      const pid = container === null ? await firstProcess(nspawn.pid ?? 0) : null;
      if (pid !== null) container = new BootedContainer(folder, nspawn, pid);
      const state = (await container?.inside('systemctl', 'is-system-running'))?.stdout.trim();
      if (container !== null && state === 'running') return container;
    }
    const { output = '' } = (await container?.inside('systemctl', '--failed', '--no-pager')) ?? {};
    await container?.stop();
    throw new Error(`the container did not boot: ${said}${output}`);
  }

  /** Runs a command in it as root and returns what became of it. */
  async inside(...command: readonly string[]): Promise<Outcome> {
    const enter = ['-t', String(this.#pid), '-m', '-u', '-i', '-p', '-r', '-w', '--', ...command];
    try {
      const { stdout, stderr } = await run('nsenter', enter, {
        timeout: COMMAND_LIMIT_MS,
        maxBuffer: 16 << 20,
        env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8', DEBIAN_FRONTEND: 'noninteractive' },
      });
      return { code: 0, stdout, output: `${stdout}${stderr}` };
    } catch (error) {
      const {
        code,
        stdout = '',
        stderr = String(error),
      } = error as { code: unknown; stdout?: string; stderr?: string };
      return { code: typeof code === 'number' ? code : -1, stdout, output: `${stdout}${stderr}` };
    }
  }

  /** The same for a command that must succeed. @returns its standard output without the last line break */
  async must(...command: readonly string[]): Promise<string> {
    const { code, stdout, output } = await this.inside(...command);
    if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}: ${output}`);
    return stdout.trimEnd();
  }

  async stop(): Promise<void> {
    if (this.#nspawn.exitCode === null && this.#nspawn.signalCode === null) {
      const ended = once(this.#nspawn, 'exit');
      process.kill(this.#pid, 'SIGKILL');
      await ended;
    }
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** systemd of the container: the only child of systemd-nspawn, once that has set everything up. */
async function firstProcess(nspawn: number): Promise<number | null> {
  const children = await readFile(`/proc/${nspawn}/task/${nspawn}/children`, 'utf8').catch(() => '');
  for (const child of children.trim().split(' ').filter(Boolean)) {
    const name = await readFile(`/proc/${child}/comm`, 'utf8').catch(() => '');
    if (name.trim() === 'systemd') return Number(child);
  }
  return null;
}
