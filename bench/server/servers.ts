// The servers of the comparison, each with one thread that answers, all serving the same names on loopback.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Child, startChild } from './children.ts';
import { TTL_SECONDS } from './zone.ts';

export const SERVER_NAMES = ['echo', 'knot', 'nsd', 'batched', 'dgram', 'unbound', 'dnsmasq'] as const;
/** Of the races of caches: of answers that each holds, and of names that none has seen. */
export const CACHED_SERVERS = ['echo', 'batched', 'unbound', 'dnsmasq'] as const;
export const MISS_SERVERS = ['batched', 'unbound', 'dnsmasq', 'dnsmasq150'] as const;
export type ServerName = (typeof SERVER_NAMES | typeof CACHED_SERVERS | typeof MISS_SERVERS)[number];

/** What a row of the tables measures. */
export const TITLES: Readonly<Record<ServerName, string>> = {
  echo: 'C echo (no DNS, no pauses)',
  knot: 'Knot DNS',
  nsd: 'NSD',
  batched: '**mesos-dns**, `io: batched`',
  dgram: 'mesos-dns, `io: dgram`',
  unbound: 'unbound, from its cache',
  dnsmasq: 'dnsmasq, from its cache',
  dnsmasq150: 'dnsmasq as it comes',
};

/** Likewise in the races of caches. */
export const RACE_TITLES: Readonly<Record<'cached' | 'miss', Partial<Record<ServerName, string>>>> = {
  cached: { batched: '**mesos-dns**, from its cache' },
  miss: {
    batched: '**mesos-dns**, forwarding',
    unbound: 'unbound, forwarding',
    dnsmasq: 'dnsmasq, `dns-forward-max=10000`',
    dnsmasq150: 'dnsmasq, its default of 150',
  },
};

export const HOST = '127.0.0.1';
const DOMAIN = 'mesos';

export interface Setting {
  /** For the server's files; made where it does not exist. */
  readonly folder: string;
  readonly core: number;
  readonly port: number;
}

export interface OwnSetting extends Setting {
  readonly io: 'batched' | 'dgram';
  /** `host:port` of the stand-in master. */
  readonly master: string;
  readonly httpPort: number;
  /** `host:port` that it asks for names of DOMAIN; left out, DOMAIN is the cluster's. */
  readonly upstream?: string;
}

export interface ZoneSetting extends Setting {
  readonly zoneFile: string;
}

export interface CacheSetting extends Setting {
  /** Where it asks for what it does not hold; on HOST. */
  readonly upstreamPort: number;
}

export interface DnsmasqSetting extends CacheSetting {
  /** Queries that it asks at a time; left out, its default of 150. */
  readonly forwardMax?: number;
}

/** The program as an operator starts it. */
export async function startOwn({ folder, core, port, io, master, httpPort, upstream }: OwnSetting): Promise<Child> {
  const file = await configure(folder, 'config.json', [
    JSON.stringify({
      masters: [master],
      ...(upstream === undefined
        ? { domain: DOMAIN, externalOn: false }
        : { domain: 'cluster', resolvers: [upstream] }),
      listener: HOST,
      port,
      httpListener: HOST,
      httpPort,
      refreshSeconds: 86_400,
      ttl: TTL_SECONDS,
      SOAMinttl: TTL_SECONDS,
      io,
      workers: 1,
    }),
  ]);
  return startChild(core, process.execPath, [
    fileURLToPath(new URL('../../src/main.js', import.meta.url)),
    `-config=${file}`,
  ]);
}

export async function startEcho(core: number, program: string): Promise<{ child: Child; port: number }> {
  const child = startChild(core, program, []);
  const port = new Promise<number>((resolve) => child.process.stdout?.once('data', (line) => resolve(Number(line))));
  return { child, port: await Promise.race([port, child.failed]) };
}

/** Without its journal and its checks; it has no option for fewer threads than one of each kind. */
export async function startKnot({ folder, core, port, zoneFile }: ZoneSetting): Promise<Child> {
  const file = await configure(folder, 'knot.conf', [
    'server:',
    `  rundir: ${folder}`,
    `  listen: ${HOST}@${port}`,
    '  udp-workers: 1',
    '  tcp-workers: 1',
    '  background-workers: 1',
    'log:',
    '  - target: stderr',
    '    any: error',
    'database:',
    `  storage: ${folder}`,
    'zone:',
    `  - domain: ${DOMAIN}`,
    `    file: ${zoneFile}`,
    '    zonefile-sync: -1',
    '    journal-content: none',
    '    semantic-checks: off',
  ]);
  return startChild(core, '/usr/sbin/knotd', ['-c', file]);
}

/** Without its limit on the rate of answers. */
export async function startNsd({ folder, core, port, zoneFile }: ZoneSetting): Promise<Child> {
  const file = await configure(folder, 'nsd.conf', [
    'server:',
    `  ip-address: ${HOST}@${port}`,
    '  server-count: 1',
    '  username: ""',
    '  chroot: ""',
    `  zonesdir: "${folder}"`,
    `  pidfile: "${join(folder, 'nsd.pid')}"`,
    `  zonelistfile: "${join(folder, 'zone.list')}"`,
    `  xfrdfile: "${join(folder, 'xfrd.state')}"`,
    `  xfrdir: "${folder}"`,
    '  database: ""',
    '  rrl-ratelimit: 0',
    '  rrl-whitelist-ratelimit: 0',
    'remote-control:',
    '  control-enable: no',
    'zone:',
    `  name: ${DOMAIN}`,
    `  zonefile: "${zoneFile}"`,
  ]);
  return startChild(core, '/usr/sbin/nsd', ['-d', '-c', file]);
}

/** A cache that has room for everything that is asked. */
export async function startUnbound({ folder, core, port, upstreamPort }: CacheSetting): Promise<Child> {
  const file = await configure(folder, 'unbound.conf', [
    'server:',
    `  interface: ${HOST}@${port}`,
    '  num-threads: 1',
    '  username: ""',
    '  chroot: ""',
    `  directory: "${folder}"`,
    '  pidfile: ""',
    '  use-syslog: no',
    '  verbosity: 0',
    '  module-config: "iterator"',
    '  do-not-query-localhost: no',
    '  msg-cache-size: 512m',
    '  rrset-cache-size: 512m',
    '  neg-cache-size: 64m',
    `  cache-max-ttl: ${TTL_SECONDS}`,
    `  cache-max-negative-ttl: ${TTL_SECONDS}`,
    'remote-control:',
    '  control-enable: no',
    'forward-zone:',
    `  name: "${DOMAIN}."`,
    `  forward-addr: ${HOST}@${upstreamPort}`,
  ]);
  return startChild(core, '/usr/sbin/unbound', ['-d', '-c', file]);
}

/** A cache that has room for everything that is asked. */
export async function startDnsmasq({ folder, core, port, upstreamPort, forwardMax }: DnsmasqSetting): Promise<Child> {
  const file = await configure(folder, 'dnsmasq.conf', [
    `port=${port}`,
    `listen-address=${HOST}`,
    'bind-interfaces',
    'no-resolv',
    'no-hosts',
    'cache-size=1000000',
    ...(forwardMax === undefined ? [] : [`dns-forward-max=${forwardMax}`]),
    `server=${HOST}#${upstreamPort}`,
    'user=',
    'pid-file=',
  ]);
  return startChild(core, '/usr/sbin/dnsmasq', ['--keep-in-foreground', `--conf-file=${file}`]);
}

async function configure(folder: string, name: string, lines: readonly string[]): Promise<string> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, name);
  await writeFile(file, `${lines.join('\n')}\n`);
  return file;
}
