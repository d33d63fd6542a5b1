// Machines that can be cut off from the network: each is a network namespace behind a virtual cable (ip-netns(8),
// veth(4)). All of it lives below one namespace, in which the drill itself runs, and ends with it.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { requirePackages } from '../support/debian.ts';

const run = promisify(execFile);

/** Set in the environment of a drill that runs in its own namespace. */
const INSIDE = 'MESOS_DNS_DRILL_NAMESPACE';
/** The drill's own address, towards every machine. */
export const CENTRE = '10.77.0.1';

/**
 * Runs this program again in a network namespace of its own, unless that is where it runs.
 * @returns its exit code; null: this is the program inside
 * @throws Error of one line where that is not allowed
 */
export async function enterNamespace(): Promise<number | null> {
  if (process.env[INSIDE] !== undefined) return null;
  if (process.getuid?.() !== 0) throw new Error('this drill needs root: it makes network namespaces');
  await requirePackages('iproute2', 'util-linux');
  const child = spawn('unshare', ['--net', '--', process.execPath, ...process.execArgv, ...process.argv.slice(1)], {
    stdio: 'inherit',
    env: { ...process.env, [INSIDE]: '1' },
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}

/** Called once, inside. */
export async function setUpCentre(): Promise<void> {
  await run('ip', ['link', 'set', 'lo', 'up']);
  await run('ip', ['address', 'add', `${CENTRE}/32`, 'dev', 'lo']);
}

export class Machine {
  readonly host: string;
  readonly #number: number;
  /** Holds the namespace; it ends with this process, whose pipe it reads. */
  readonly #holder: ChildProcess;

  private constructor(number: number, holder: ChildProcess) {
    this.#number = number;
    this.host = `10.77.0.${10 + number}`;
    this.#holder = holder;
  }

  static async create(number: number): Promise<Machine> {
    const holder = spawn('unshare', ['--net', '--', 'sh', '-c', 'echo ready; exec cat'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await once(holder.stdout ?? holder, 'data');
    const machine = new Machine(number, holder);
    const outside = `m${number}`;
    await run('ip', ['link', 'add', outside, 'type', 'veth', 'peer', 'name', 'cable', 'netns', String(holder.pid)]);
    await run('ip', ['address', 'add', CENTRE, 'peer', machine.host, 'dev', outside]);
    await run('ip', ['link', 'set', outside, 'up']);
    await machine.#inside('ip', ['address', 'add', machine.host, 'peer', CENTRE, 'dev', 'cable']);
    await machine.#inside('ip', ['link', 'set', 'lo', 'up']);
    await machine.mend();
    return machine;
  }

  /** The command that runs another one on this machine. */
  get enter(): readonly string[] {
    return ['nsenter', `--net=/proc/${this.#holder.pid}/ns/net`, '--'];
  }

  /** Pulls the cable: nothing arrives, and nobody is told. */
  async cut(): Promise<void> {
    await this.#inside('ip', ['link', 'set', 'cable', 'down']);
  }

  async mend(): Promise<void> {
    await this.#inside('ip', ['link', 'set', 'cable', 'up']);
  }

  async remove(): Promise<void> {
    this.#holder.stdin?.end();
    if (this.#holder.exitCode === null) await once(this.#holder, 'exit');
    // The cable goes with the namespace, a moment later or now.
    await run('ip', ['link', 'delete', `m${this.#number}`]).catch(() => undefined);
  }

  async #inside(program: string, args: readonly string[]): Promise<void> {
    const [command = '', ...prefix] = this.enter;
    await run(command, [...prefix, program, ...args]);
  }
}
