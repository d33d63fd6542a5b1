// Everything that runs for one size of the zone: the stand-in master and the servers, started once and asked in turn.

import { createSocket } from 'node:dgram';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import dns from 'dns-packet';
import type { AxfrDocument } from '../../src/records/listing.ts';
import { Ensemble } from '../../src/standin/ensemble.ts';
import { freePort } from '../../test/support/ports.ts';
import type { Child } from './children.ts';
import {
  HOST,
  type ServerName,
  startDnsmasq,
  startEcho,
  startKnot,
  startNsd,
  startOwn,
  startUnbound,
} from './servers.ts';
import { benchCluster, type ServedZone, type Size, servedZone } from './zone.ts';

export interface Contestant {
  readonly name: ServerName;
  readonly child: Child;
  readonly port: number;
  /** A cache's; null for the others. */
  readonly upstream: Child | null;
}

export interface Field {
  readonly zone: ServedZone;
  /** In the order asked for. */
  readonly contestants: readonly Contestant[];
  stop(): Promise<void>;
}

export interface FieldSetup {
  readonly size: Size;
  readonly servers: readonly ServerName[];
  readonly folder: string;
  readonly core: number;
  readonly echoProgram: string;
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

const READY_LIMIT_MS = 120_000;

/** @throws Error where a server does not come up, or answers otherwise than ours */
export async function openField(setup: FieldSetup): Promise<Field> {
  const { size, servers, folder, core, signal, progress } = setup;
  const ensemble = new Ensemble(benchCluster(size), { masters: [{}] });
  const contestants: Contestant[] = [];
  const started: Child[] = [];
  const stop = async () => {
    await Promise.all([ensemble.stop(), ...started.map((child) => child.stop())]);
  };
  const enter = (name: ServerName, child: Child, port: number, upstream: Child | null = null): Contestant => {
    started.push(child);
    return { name, child, port, upstream };
  };
  const startOurs = async (io: 'batched' | 'dgram') => {
    const [port, httpPort] = [await freePort(HOST), await freePort(HOST)];
    const [master = ''] = ensemble.endpoints;
    return {
      httpPort,
      ...enter(io, await startOwn({ folder: join(folder, io), core, port, io, master, httpPort }), port),
    };
  };

  try {
    await mkdir(folder, { recursive: true });
    await ensemble.start();
    // Ours is always there: the others get their zone from it.
    const own = await startOurs('batched');
    const zone = servedZone(await untilServed(own.child, own.httpPort, signal));
    progress(`${zone.nameCount} names, ${zone.recordCount} records`);
    const zoneFile = join(folder, 'zone.txt');
    await writeFile(zoneFile, zone.masterFile);
    const sample = zone.addressNames.at(-1) ?? '';

    for (const name of servers) {
      const port = await freePort(HOST);
      const setting = { folder: join(folder, name), core, port };
      const start = async (): Promise<Contestant> => {
        switch (name) {
          case 'echo': {
            const echo = await startEcho(core, setup.echoProgram);
            return enter(name, echo.child, echo.port);
          }
          case 'knot':
            return enter(name, await startKnot({ ...setting, zoneFile }), port);
          case 'nsd':
            return enter(name, await startNsd({ ...setting, zoneFile }), port);
          case 'batched':
            return own;
          case 'dgram':
            return startOurs('dgram');
          case 'unbound':
            return enter(name, await startUnbound({ ...setting, upstreamPort: own.port }), port, own.child);
          case 'dnsmasq':
            return enter(
              name,
              await startDnsmasq({ ...setting, upstreamPort: own.port, forwardMax: 10_000 }),
              port,
              own.child,
            );
          default:
            throw new Error(`${name} does not hold a zone`);
        }
      };
      const contestant = await start();
      if (name !== 'echo') await untilAnswering(contestant, sample, signal);
      contestants.push(contestant);
      progress(`${name} serves on port ${contestant.port}`);
    }
    return { zone, contestants, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Our zone, as soon as it holds the cluster. */
async function untilServed(child: Child, httpPort: number, signal: AbortSignal): Promise<AxfrDocument> {
  const deadline = performance.now() + READY_LIMIT_MS;
  const ask = async (): Promise<AxfrDocument | null> => {
    try {
      const response = await fetch(`http://${HOST}:${httpPort}/v1/axfr`, { signal });
      if (!response.ok) return null;
      const document = (await response.json()) as AxfrDocument;
      return Object.keys(document.Records.SRVs).length > 0 ? document : null;
    } catch {
      return null; // it does not listen yet
    }
  };
  for (;;) {
    const document = await Promise.race([ask(), child.failed]);
    if (document !== null) return document;
    if (performance.now() > deadline) throw new Error('mesos-dns did not serve the zone in time');
    await sleep(200, undefined, { signal });
  }
}

export async function untilAnswering(
  { name, child, port }: Pick<Contestant, 'name' | 'child' | 'port'>,
  sample: string,
  signal: AbortSignal,
): Promise<void> {
  const deadline = performance.now() + READY_LIMIT_MS;
  while (!(await Promise.race([hasAnswer(port, sample), child.failed]))) {
    if (performance.now() > deadline) throw new Error(`${name} did not answer for ${sample} in time`);
    await sleep(200, undefined, { signal });
  }
}

/** Whether a query for the name's A records brings one within half a second. */
async function hasAnswer(port: number, name: string): Promise<boolean> {
  const socket = createSocket('udp4');
  const query = dns.encode({
    type: 'query',
    id: 1,
    flags: dns.RECURSION_DESIRED,
    questions: [{ type: 'A', name: name.replace(/\.$/, '') }],
  });
  try {
    return await new Promise<boolean>((resolve) => {
      setTimeout(resolve, 500, false);
      socket.once('error', () => resolve(false));
      socket.once('message', (message) => resolve((dns.decode(message).answers?.length ?? 0) > 0));
      socket.send(query, port, HOST);
    });
  } finally {
    socket.close();
  }
}
