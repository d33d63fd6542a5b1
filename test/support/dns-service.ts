// The whole DNS service over a small table, in this process or in a child that can be frozen or starved.

import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Engine } from '../../src/engine/engine.ts';
import { MesosDnsError } from '../../src/errors.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { createMetrics, type Metrics } from '../../src/observability/metrics.ts';
import type { BoundEndpoint } from '../../src/workers/messages.ts';
import { ServiceSupervisor, type SupervisorOptions, type SupervisorSettings } from '../../src/workers/supervisor.ts';
import { freePort } from './ports.ts';
import { recordSet, tableInput } from './zone.ts';

/** The drivers under test: both, unless MESOS_DNS_IO names one. */
export const DRIVERS: readonly ('batched' | 'dgram')[] = (['batched', 'dgram'] as const).filter((driver) =>
  [driver, undefined, ''].includes(process.env['MESOS_DNS_IO']),
);

export interface ServiceSetup extends Partial<Omit<SupervisorSettings, 'module' | 'memory'>> {
  /** Names `n0.mesos` to `n<names - 1>.mesos`, each with the address 10.0.x.y of its number. Default 100. */
  readonly names?: number;
  /** A name `large.mesos` with 4,000 addresses: an answer of 64 KB. Default false. */
  readonly largeName?: boolean;
}

export interface RunningService {
  readonly supervisor: ServiceSupervisor;
  readonly metrics: Metrics;
  readonly engine: Engine;
  readonly endpoints: readonly BoundEndpoint[];
  readonly port: number;
}

export const addressOf = (number: number): string => `10.0.${(number >> 8) & 255}.${number & 255}`;

export async function startService(
  setup: ServiceSetup = {},
  logger: SupervisorOptions['logger'] = silentLogger(),
): Promise<RunningService> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await startOnce(setup, logger);
    } catch (error) {
      // Another test may have taken the free port meanwhile.
      const mayTryAgain = attempt < 10 && setup.port === undefined;
      if (!mayTryAgain || !(error instanceof MesosDnsError) || error.code !== 'ERR_LISTEN') throw error;
    }
  }
}

async function startOnce(setup: ServiceSetup, logger: SupervisorOptions['logger']): Promise<RunningService> {
  const { names = 100, largeName = false, ...settings } = setup;
  const engine = await Engine.create();
  const large = Array.from({ length: largeName ? 4000 : 0 }, (_, i) => `large.mesos. A ${addressOf(i)}`);
  const lines = Array.from({ length: names }, (_, i) => `n${i}.mesos. A ${addressOf(i)}`);
  engine.publish(tableInput(recordSet([...lines, ...large])));
  const metrics = createMetrics();
  const supervisor = new ServiceSupervisor({
    settings: serviceSettings({ module: engine.module, memory: engine.memory, port: await freePort(), ...settings }),
    logger,
    metrics,
  });
  const endpoints = await supervisor.start();
  return { supervisor, metrics, engine, endpoints, port: endpoints[0]?.port ?? 0 };
}

/** Of a service on loopback with one worker, unless said otherwise. */
export function serviceSettings(
  settings: Partial<SupervisorSettings> & Pick<SupervisorSettings, 'module' | 'memory' | 'port'>,
): SupervisorSettings {
  return {
    io: 'auto',
    workers: 1,
    udpReceiveBufferBytes: 1 << 20,
    udpSendBufferBytes: 0,
    udpPayloadBytes: 1232,
    tcpLimits: {},
    listeners: ['127.0.0.1'],
    routes: [[]],
    zones: [''],
    forwardPolicy: 'sequential',
    forwardRandomCase: false,
    forwardAuthorities: null,
    timeoutSeconds: 2,
    recursionAvailable: true,
    verbosity: 0,
    logFormat: 'auto',
    queryLogSample: 0,
    ...settings,
  };
}

export interface ServiceChild {
  readonly process: ChildProcess;
  readonly port: number;
  /** Ends it like an operator would; resolves with its exit code. */
  stop(): Promise<number | null>;
}

/** @param prefix a command that runs the command behind it: `['taskset', '-c', '0']` */
export async function startChild(
  setup: ServiceSetup,
  prefix: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
): Promise<ServiceChild> {
  const program = fileURLToPath(new URL('./dns-service-main.js', import.meta.url));
  const [command = '', ...args] = [...prefix, process.execPath, program, JSON.stringify(setup)];
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...environment },
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const port = await new Promise<number>((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', (line) => resolve(Number(line)));
    child.once('error', reject);
    void exited.then((code) => reject(new Error(`the child ended with ${code}`)));
  });
  return {
    process: child,
    port,
    stop: () => {
      child.kill('SIGTERM');
      return exited;
    },
  };
}
