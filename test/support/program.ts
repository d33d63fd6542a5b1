// Runs the real program as a child process: started from a configuration object on free ports, asked over DNS and HTTP,
// stopped by a signal, with every line of its log at hand.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { DnsClient, type DnsReply, type QueryOptions } from './dns-client.ts';
import { freePort } from './ports.ts';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));
const HOST = '127.0.0.1';
/** Guards. The threads that load the state go behind all others, so that a busy machine makes them wait for long. */
const START_TIMEOUT_MS = 120_000;
const WAIT_TIMEOUT_MS = 60_000;
const POLL_MS = 20;
/** The program waits so long for figures of its threads, and tells what they were before where that is not enough. */
const FIGURES_LIMIT_MS = 500;
const FIGURES_TRIES = 20;
/** Beyond any time that a test allows for an orderly end. */
const KILL_AFTER_MS = 15_000;

export interface Exit {
  /** null: ended by a signal. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A child that still runs when the test file ends must not outlive it. */
const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Directory for the files of this process' tests, removed at its end. */
const directory = mkdtempSync(join(tmpdir(), 'mesos-dns-test-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
let fileCount = 0;

/** Writes a file that lives as long as this process and returns its path; `values` as JSON unless it is text already. */
export function temporaryFile(values: object | string, name = 'config.json'): string {
  fileCount += 1;
  const file = join(directory, `${fileCount}-${name}`);
  writeFileSync(file, typeof values === 'string' ? values : JSON.stringify(values));
  return file;
}

export interface RunOptions {
  /** Ends the program by force after this long (default 120 s). */
  readonly timeoutMs?: number;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Runs the program to its end: for broken configurations, `--version` and the like. */
export async function runProgram(args: readonly string[], options: RunOptions = {}): Promise<Exit> {
  const child = new Child(args, options.environment ?? {});
  const timer = setTimeout(() => child.process.kill('SIGKILL'), options.timeoutMs ?? START_TIMEOUT_MS);
  try {
    return await child.exit;
  } finally {
    clearTimeout(timer);
  }
}

export interface StartOptions {
  /** Further arguments, `-v=2` for example. */
  readonly args?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Wait until a first state is served, not only until the sockets answer (default false). */
  readonly untilLoaded?: boolean;
}

/**
 * Starts the program with these keys; `listener`, `port`, `httpListener` and `httpPort` are chosen where they are not
 * given, and `refreshSeconds` is 1 and `resolvers` an address where nobody answers. Returns once DNS and HTTP answer.
 * Rejects with the log where the program ends instead. Call `stop()` in the end.
 */
export async function startProgram(
  config: Readonly<Record<string, unknown>>,
  options: StartOptions = {},
): Promise<Program> {
  // Another process may take a port between the moment it is found free and the moment it is bound.
  for (let attempt = 1; ; attempt += 1) {
    const program = await Program.spawn(config, options);
    try {
      await program.answering();
      if (options.untilLoaded === true) await program.loaded();
    } catch (error) {
      await program.stop('SIGKILL');
      if (attempt < 3 && /another program uses|EADDRINUSE|in use/.test(program.log)) continue;
      throw error;
    }
    return program;
  }
}

export class Program {
  /** The configuration file's path. */
  readonly file: string;
  readonly dnsPort: number;
  readonly httpPort: number;
  readonly #config: Readonly<Record<string, unknown>>;
  readonly #child: Child;
  #dns: DnsClient | null = null;

  static async spawn(config: Readonly<Record<string, unknown>>, options: StartOptions): Promise<Program> {
    const port = await freePort();
    let httpPort = await freePort();
    while (httpPort === port) httpPort = await freePort();
    const defaults = {
      listener: HOST,
      port,
      httpListener: HOST,
      httpPort,
      refreshSeconds: 1,
      resolvers: ['127.0.0.1:9'],
    };
    return new Program({ ...defaults, ...driverUnderTest(), ...config }, options);
  }

  private constructor(config: Readonly<Record<string, unknown>>, { args = [], environment = {} }: StartOptions) {
    this.#config = config;
    this.file = temporaryFile(config);
    this.dnsPort = Number(config['port']);
    this.httpPort = Number(config['httpPort']);
    this.#child = new Child([`-config=${this.file}`, ...args], environment);
  }

  /** What the file said at the start. */
  get config(): Readonly<Record<string, unknown>> {
    return this.#config;
  }

  get pid(): number {
    return this.#child.process.pid ?? 0;
  }

  /** Everything on standard error so far. */
  get log(): string {
    return this.#child.stderr;
  }

  /** The complete lines of standard error so far. */
  get lines(): readonly string[] {
    return this.#child.stderr.split('\n').slice(0, -1);
  }

  /** Resolves when the process ends. */
  get exit(): Promise<Exit> {
    return this.#child.exit;
  }

  /** The lines from line number `from` on, but for those about a machine that stood still: it may have, at any time. */
  linesOfItsOwn(from = 0): readonly string[] {
    return this.lines.slice(from).filter((line) => !/the process stood still/.test(line));
  }

  /** The lines that match, from line number `from` on. */
  linesMatching(pattern: RegExp, from = 0): readonly string[] {
    return this.lines.slice(from).filter((line) => pattern.test(line));
  }

  /** Waits for a line of the log; those before line number `from` do not count. */
  async waitForLine(pattern: RegExp, { from = 0, timeoutMs = WAIT_TIMEOUT_MS } = {}): Promise<string> {
    await this.waitUntil(() => this.linesMatching(pattern, from).length > 0, `a log line ${pattern}`, timeoutMs);
    return this.linesMatching(pattern, from)[0] ?? '';
  }

  /** Waits for a condition while the program runs. Rejects with the log where it ends or the time passes. */
  async waitUntil(
    condition: () => boolean | Promise<boolean>,
    what: string,
    timeoutMs = WAIT_TIMEOUT_MS,
  ): Promise<void> {
    const end = performance.now() + timeoutMs;
    while (!(await condition())) {
      if (this.#child.ended) throw new Error(`the program ended while waiting for ${what}:\n${this.log}`);
      if (performance.now() > end) throw new Error(`no ${what} within ${timeoutMs} ms:\n${this.log.slice(-4000)}`);
      await sleep(POLL_MS);
    }
  }

  /** Waits until the sockets answer. */
  async answering(): Promise<void> {
    if (this.#config['httpOn'] !== false) {
      await this.waitUntil(async () => (await this.#tryGet('/v1/version')) === 200, 'HTTP answer', START_TIMEOUT_MS);
    }
    if (this.#config['dnsOn'] !== false) {
      await this.waitUntil(async () => (await this.#tryAskSoa()) !== null, 'DNS answer', START_TIMEOUT_MS);
    }
  }

  /** Waits until a first state is served. */
  async loaded(timeoutMs = START_TIMEOUT_MS): Promise<void> {
    if (this.#config['dnsOn'] === false) {
      await this.waitUntil(async () => (await this.#tryGet('/v1/axfr')) === 200, 'zone over HTTP', timeoutMs);
    } else {
      await this.waitUntil(async () => (await this.#tryAskSoa()) === 0, 'zone over DNS', timeoutMs);
    }
  }

  /** Asks over UDP, and over TCP where the answer is cut. Rejects where no answer comes. */
  async ask(name: string, type = 'A', options: QueryOptions = {}): Promise<DnsReply> {
    this.#dns ??= await DnsClient.open({ host: HOST, port: this.dnsPort });
    return await this.#dns.ask(name, type, options);
  }

  /** The serial of the zone's SOA record; null while there is no zone. */
  async serial(): Promise<number | null> {
    const reply = await this.ask(this.#domain, 'SOA');
    const [record] = reply.answers;
    return record?.type === 'SOA' ? (record.data.serial ?? null) : null;
  }

  get(path: string): Promise<Response> {
    return fetch(`http://${HOST}:${this.httpPort}${path}`);
  }

  /** All metrics as text; where a thread was not heard in time, they are read again. */
  async metrics(): Promise<string> {
    let text = '';
    for (let attempt = 1, tookMs = Infinity; tookMs >= FIGURES_LIMIT_MS && attempt <= FIGURES_TRIES; attempt += 1) {
      const startMs = performance.now();
      text = await (await this.get('/metrics')).text();
      tookMs = performance.now() - startMs;
    }
    return text;
  }

  /** The value of a metric, all its labels added up; 0 where it is not shown. */
  async metric(name: string): Promise<number> {
    const text = await this.metrics();
    const values = [...text.matchAll(/^([a-z_]+)(?:\{[^}]*\})? (\S+)$/gm)].filter(([, found]) => found === name);
    return values.reduce((sum, [, , value]) => sum + Number(value), 0);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.process.kill(signal);
  }

  /** Sends the signal and waits for the end; by force after 15 s. May be called again. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    this.#dns?.close();
    this.#dns = null;
    if (!this.#child.ended) this.kill(signal);
    const timer = setTimeout(() => this.kill('SIGKILL'), KILL_AFTER_MS);
    try {
      const exit = await this.#child.exit;
      // One query gets SERVFAIL then, which few tests would notice.
      if (this.log.includes('the core failed')) throw new Error(`the core failed:\n${this.log.slice(-4000)}`);
      return exit;
    } finally {
      clearTimeout(timer);
    }
  }

  get #domain(): string {
    return String(this.#config['domain'] ?? 'mesos');
  }

  async #tryGet(path: string): Promise<number | null> {
    try {
      const answer = await this.get(path);
      await answer.arrayBuffer();
      return answer.status;
    } catch {
      return null;
    }
  }

  /** The response code, or null without an answer. */
  async #tryAskSoa(): Promise<number | null> {
    try {
      return (await this.ask(this.#domain, 'SOA', { timeoutMs: 250, tries: 1 })).rcode;
    } catch {
      return null;
    }
  }
}

class Child {
  readonly process: ChildProcess;
  readonly exit: Promise<Exit>;
  stdout = '';
  stderr = '';
  ended = false;

  constructor(args: readonly string[], environment: Readonly<Record<string, string>>) {
    const child = spawn(process.execPath, [MAIN, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...withoutTestRunner(process.env), ...environment },
    });
    this.process = child;
    running.add(child);
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    // `close` comes after the last octet of both streams.
    this.exit = once(child, 'close').then(([code, signal]: (number | NodeJS.Signals | null)[]) => {
      this.ended = true;
      running.delete(child);
      return {
        code: typeof code === 'number' ? code : null,
        signal: typeof signal === 'string' ? signal : null,
        stdout: this.stdout,
        stderr: this.stderr,
      };
    });
  }
}

/** The variable by which the runner tells its test files apart would change how a child behaves. */
function withoutTestRunner({ NODE_TEST_CONTEXT: _, ...environment }: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return environment;
}

/** MESOS_DNS_IO selects the UDP driver that the tests run with; without it the program chooses. */
function driverUnderTest(): { readonly io?: string } {
  const io = process.env['MESOS_DNS_IO'];
  return io === undefined || io === '' ? {} : { io };
}
