// A recursive resolver of Debian as a child process, from a configuration in a directory of its own.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DnsClient } from '../support/dns-client.ts';
import type { Server } from './lookup-tools.ts';

export interface ResolverSetup {
  readonly program: string;
  /** @param file the path of its configuration */
  readonly args: (file: string) => readonly string[];
  /** @param directory where it may write */
  readonly configuration: (directory: string) => string;
  readonly server: Server;
}

const START_TIMEOUT_MS = 60_000;
const KILL_AFTER_MS = 5000;

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export class ResolverProcess {
  readonly server: Server;
  readonly #child: ChildProcess;
  readonly #directory: string;
  #output = '';

  /** Resolves when it answers, whatever it answers. */
  static async start(setup: ResolverSetup): Promise<ResolverProcess> {
    const resolver = new ResolverProcess(setup);
    try {
      await resolver.#answering();
    } catch (error) {
      await resolver.stop();
      throw error;
    }
    return resolver;
  }

  private constructor({ program, args, configuration, server }: ResolverSetup) {
    this.server = server;
    this.#directory = mkdtempSync(join(tmpdir(), 'mesos-dns-resolver-'));
    const file = join(this.#directory, 'resolver.conf');
    writeFileSync(file, configuration(this.#directory));
    const child = spawn(program, [...args(file)], { stdio: ['ignore', 'pipe', 'pipe'], cwd: this.#directory });
    running.add(child);
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text;
      });
    }
    child.on('error', (error) => {
      this.#output += String(error);
    });
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
      await exited;
      clearTimeout(timer);
    }
    running.delete(child);
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #answering(): Promise<void> {
    const client = await DnsClient.open(this.server);
    try {
      const deadline = performance.now() + START_TIMEOUT_MS;
      for (;;) {
        if (this.#child.exitCode !== null || performance.now() > deadline) throw new Error(this.#output);
        try {
          // A name that resolvers answer by themselves.
          await client.askUdp('127.in-addr.arpa', 'SOA', { timeoutMs: 200, tries: 1 });
          return;
        } catch {
          await sleep(50);
        }
      }
    } finally {
      client.close();
    }
  }
}
