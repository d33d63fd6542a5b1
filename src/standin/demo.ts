// `npm start`: mesos-dns as a child process, on an embedded cluster of three masters that changes every few seconds.

import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import dns from 'dns-packet';
import { messageOf } from '../errors.ts';
import { type DemoCluster, demoCluster } from './demo-cluster.ts';
import { DEMO_USAGE, type DemoOptions, parseDemoOptions } from './demo-options.ts';
import { Ensemble } from './ensemble.ts';
import { openingLines, Story } from './story.ts';
import { StandinUpstream } from './upstream.ts';

const HOST = '127.0.0.1';
const START_LIMIT_MS = 60_000;
/** How long the child may take to end before it is killed; all must be over within 5 s. */
const CHILD_END_LIMIT_MS = 3000;

process.exitCode = await main(process.argv.slice(2));

/** The exit code: 0 after a signal, 1 with one line on standard error otherwise. */
async function main(args: readonly string[]): Promise<number> {
  try {
    const options = parseDemoOptions(args, process.env);
    if (options.help) {
      console.log(DEMO_USAGE);
      return 0;
    }
    await refuseBusyPorts(options);
    await demonstrate(options, stopSignal());
    return 0;
  } catch (error) {
    console.error(`demo: ${messageOf(error)}`);
    return 1;
  }
}

/** Aborted by SIGINT, SIGTERM or SIGHUP, and when npm, which started this process, is gone without a word. */
function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => controller.abort());
  if (process.env['npm_lifecycle_event'] !== undefined) {
    // npm runs scripts in a shell, and a shell that is killed does not tell its children.
    const parent = process.ppid;
    setInterval(() => {
      if (process.ppid !== parent) controller.abort();
    }, 500).unref();
  }
  return controller.signal;
}

/** Resolves after a stop signal and a clean end; rejects when the child fails. */
async function demonstrate(options: DemoOptions, stop: AbortSignal): Promise<void> {
  const demo = demoCluster();
  const upstream = new StandinUpstream();
  const ensemble = new Ensemble(demo.cluster, { masters: [{ events: {} }, { events: {} }, { events: {} }] });
  const folder = await mkdtemp(join(tmpdir(), 'mesos-dns-demo-'));
  const over = new AbortController();
  const closing = AbortSignal.any([stop, over.signal]);
  let child: ChildProcess | null = null;
  let show: Promise<void> = Promise.resolve();
  try {
    await upstream.start();
    await ensemble.start();
    const file = join(folder, 'config.json');
    await writeFile(file, `${JSON.stringify(configuration(options, ensemble, upstream), null, 2)}\n`);
    child = spawn(process.execPath, [options.program ?? ownProgram(), `-config=${file}`], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const failure = failureOf(child, stop);
    console.log(`stand-in masters: ${ensemble.endpoints.join(', ')}; configuration: ${file}`);
    show = present(options, demo, ensemble, closing);
    await Promise.race([failure, show]);
  } finally {
    over.abort();
    if (child !== null) await end(child);
    await show.catch(() => undefined); // its failure was thrown above; a last change may still be going on
    await Promise.all([ensemble.stop(), upstream.stop()]);
    await rm(folder, { recursive: true, force: true });
  }
}

/** Waits for the server, prints what to try, then changes the cluster again and again until closing. */
async function present(
  options: DemoOptions,
  demo: DemoCluster,
  ensemble: Ensemble,
  closing: AbortSignal,
): Promise<void> {
  await untilAnswering(options, closing);
  if (closing.aborted) return;
  const [search] = demo.marathon.tasks('search');
  const address = search?.statuses.at(-1)?.networks?.[0]?.addresses[0] ?? '';
  console.log(['it answers, and follows changes at once; try:', ...openingLines(options, address)].join('\n  '));
  const story = new Story(demo, ensemble, options);
  while (await pause(options.everySeconds * 1000, closing)) {
    const { what, query } = await story.step();
    console.log(`${new Date().toISOString().slice(11, 19)} ${what}: ${query}`);
  }
}

function configuration(options: DemoOptions, ensemble: Ensemble, upstream: StandinUpstream): object {
  return {
    masters: ensemble.endpoints,
    domain: 'mesos',
    listener: HOST,
    port: options.dnsPort,
    httpListener: HOST,
    httpPort: options.httpPort,
    refreshSeconds: 2,
    stateTimeoutSeconds: 10,
    ttl: 5,
    resolvers: [upstream.endpoint],
    timeout: 2,
    reverseDNSOn: true,
  };
}

function ownProgram(): string {
  return fileURLToPath(new URL('../main.js', import.meta.url));
}

/** Waits until the child answers for nginx, and over HTTP. Returns early when stopped. */
async function untilAnswering({ dnsPort, httpPort }: DemoOptions, stop: AbortSignal): Promise<void> {
  const deadline = performance.now() + START_LIMIT_MS;
  while (!stop.aborted) {
    if ((await answers(dnsPort, 'nginx.marathon.mesos')) && (await answersHttp(httpPort))) return;
    if (performance.now() > deadline) throw new Error(`the server gave no answer within ${START_LIMIT_MS / 1000} s`);
    await pause(200, stop);
  }
}

/** True if a query for the name's A records brings one within half a second. */
async function answers(port: number, name: string): Promise<boolean> {
  const socket = createSocket('udp4');
  const id = Math.floor(Math.random() * 65536);
  try {
    return await new Promise<boolean>((resolve) => {
      setTimeout(resolve, 500, false);
      socket.on('error', () => resolve(false));
      socket.on('message', (message) => resolve(isAnswer(message, id)));
      socket.send(dns.encode({ type: 'query', id, questions: [{ type: 'A', name }] }), port, HOST);
    });
  } catch {
    return false;
  } finally {
    socket.close();
  }
}

async function answersHttp(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://${HOST}:${port}/health`, { signal: AbortSignal.timeout(500) })).ok;
  } catch {
    return false;
  }
}

function isAnswer(message: Buffer, id: number): boolean {
  try {
    const answer = dns.decode(message);
    return answer.id === id && (answer.answers?.length ?? 0) > 0;
  } catch {
    return false;
  }
}

/** Rejects when the child cannot be started or ends before a stop signal; never resolves. */
function failureOf(child: ChildProcess, stop: AbortSignal): Promise<never> {
  const failure = new Promise<never>((_, reject) => {
    child.once('error', (error) => reject(new Error(`the server could not be started: ${error.message}`)));
    child.once('exit', (code, signal) => {
      if (!stop.aborted) reject(new Error(`the server ended by itself (${signal ?? `exit code ${code}`})`));
    });
  });
  failure.catch(() => undefined); // it may come after the race for it is over
  return failure;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), CHILD_END_LIMIT_MS);
  await ended;
  clearTimeout(timer);
}

/** True after the pause, false at once when stopped. */
async function pause(ms: number, stop: AbortSignal): Promise<boolean> {
  try {
    await sleep(ms, undefined, { signal: stop });
    return true;
  } catch {
    return false;
  }
}

/** @throws Error naming the port that is taken and how to choose another. */
async function refuseBusyPorts(options: DemoOptions): Promise<void> {
  const { dnsPort, httpPort } = options;
  if (dnsPort === httpPort) throw new Error(`--port and --http-port are both ${dnsPort}, expected two different ports`);
  const dnsHint = `port ${dnsPort} (DNS) on ${HOST} cannot be used; choose another with --port N or MESOS_DNS_DEMO_DNS_PORT=N`;
  const httpHint = `port ${httpPort} (HTTP) on ${HOST} cannot be used; choose another with --http-port N or MESOS_DNS_DEMO_HTTP_PORT=N`;
  await bindOnce(dnsHint, (ready, failed) => {
    const socket = createSocket('udp4').once('error', failed);
    socket.bind(dnsPort, HOST, () => socket.close(ready));
  });
  await bindOnce(dnsHint, (ready, failed) => tryTcp(dnsPort, ready, failed));
  await bindOnce(httpHint, (ready, failed) => tryTcp(httpPort, ready, failed));
}

function tryTcp(port: number, ready: () => void, failed: (error: Error) => void): void {
  const server = createServer().once('error', failed);
  server.listen({ port, host: HOST }, () => server.close(ready));
}

async function bindOnce(
  hint: string,
  bind: (ready: () => void, failed: (error: Error) => void) => void,
): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => bind(resolve, reject));
  } catch (error) {
    throw new Error(`${hint} (${messageOf(error)})`, { cause: error });
  }
}
