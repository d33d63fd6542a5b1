// Synthetic `/state` documents of any size, in the shape and roughly the volume that a Mesos 1.11 master sends. The same
// options give the same document.

export interface ClusterOptions {
  /** Running tasks in all. */
  readonly tasks: number;
  readonly agents: number;
  /** Distinct task names; the tasks are spread over them evenly. */
  readonly apps: number;
  /** Ports of each task (default 2). */
  readonly portsPerTask?: number;
  /** Share of the apps that have DiscoveryInfo, as Marathon's have, 0 to 1 (default 0.5). */
  readonly discoveryShare?: number;
  /** Whether task names are Marathon group paths with dots, `web-7.shop.prod` (default false: `web-7`). */
  readonly groups?: boolean;
  /** Frameworks to spread the apps over (default 1, named `marathon`). */
  readonly frameworks?: number;
}

interface Cluster {
  readonly tasks: number;
  readonly agents: number;
  readonly apps: number;
  readonly portsPerTask: number;
  readonly discoveryShare: number;
  readonly groups: boolean;
  readonly frameworks: number;
}

/** The document as a master would serialise it. */
export function clusterDocument(options: ClusterOptions): string {
  return JSON.stringify(clusterState(options));
}

/** The document before serialisation, for tests that change a part of it. */
export function clusterState(options: ClusterOptions): Record<string, unknown> {
  const cluster: Cluster = { portsPerTask: 2, discoveryShare: 0.5, groups: false, frameworks: 1, ...options };
  const tasks: unknown[][] = Array.from({ length: cluster.frameworks }, () => []);
  for (let i = 0; i < cluster.tasks; i++) {
    const app = i % cluster.apps;
    tasks[app % cluster.frameworks]?.push(task(i, app, cluster));
  }
  return {
    version: '1.11.0',
    id: CLUSTER_ID,
    pid: 'master@10.0.0.1:5050',
    hostname: 'master-1.example',
    leader: 'master@10.0.0.1:5050',
    slaves: Array.from({ length: cluster.agents }, (_, i) => agent(i)),
    recovered_slaves: [],
    frameworks: tasks.map((list, i) => framework(i, list)),
    completed_frameworks: [],
    orphan_tasks: [],
    unregistered_frameworks: [],
  };
}

const CLUSTER_ID = '6f0a3b1c-58d2-4e7f-9a44-0d7c1b2e3f40';

function framework(i: number, tasks: readonly unknown[]): unknown {
  return {
    id: frameworkId(i),
    name: i === 0 ? 'marathon' : `framework-${i}`,
    pid: `scheduler-${i}@10.0.1.${i % 250}:${15_000 + i}`,
    hostname: `scheduler-${i}.example`,
    active: true,
    connected: true,
    recovered: false,
    tasks,
    unreachable_tasks: [],
    completed_tasks: [],
    offers: [],
    executors: [],
  };
}

function frameworkId(i: number): string {
  return `${CLUSTER_ID}-${String(i).padStart(4, '0')}`;
}

function agent(i: number): unknown {
  return {
    id: agentId(i),
    hostname: `agent-${i}.example`,
    port: 5051,
    pid: `slave(1)@${agentAddress(i)}:5051`,
    active: true,
    attributes: { rack: `r${i % 40}` },
    resources: { cpus: 32, mem: 131_072, disk: 900_000, ports: '[31000-32000]' },
    version: '1.11.0',
  };
}

function agentId(i: number): string {
  return `${CLUSTER_ID}-S${i}`;
}

function agentAddress(i: number): string {
  return `10.${16 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`;
}

function task(i: number, app: number, cluster: Cluster): unknown {
  const { portsPerTask } = cluster;
  const agentIndex = (i * 7 + app) % cluster.agents;
  const slot = Math.floor(i / cluster.agents) * portsPerTask;
  const firstPort = 31_000 + (slot % 1000);
  const ports = Array.from({ length: portsPerTask }, (_, k) => firstPort + k);
  const name = cluster.groups ? `web-${app}.shop.prod` : `web-${app}`;
  const hasDiscovery = (app % 100) / 100 < cluster.discoveryShare;
  // Every second app has container addresses of its own, the others use their agent's.
  const address =
    app % 2 === 0 ? `172.${16 + ((i >> 16) & 15)}.${(i >> 8) & 255}.${i & 255}` : agentAddress(agentIndex);
  return {
    id: `${name.replaceAll('.', '_')}.instance-${uuid(i)}._app.1`,
    name,
    framework_id: frameworkId(app % cluster.frameworks),
    executor_id: '',
    slave_id: agentId(agentIndex),
    state: 'TASK_RUNNING',
    resources: { disk: 0, mem: 512, gpus: 0, cpus: 0.5, ports: `[${firstPort}-${firstPort + portsPerTask - 1}]` },
    role: '*',
    statuses: [
      status('TASK_STARTING', 1_600_000_000.25 + i, agentAddress(agentIndex), i),
      status('TASK_RUNNING', 1_600_000_001.5 + i, address, i),
    ],
    ...(hasDiscovery && {
      discovery: {
        visibility: 'FRAMEWORK',
        name,
        ports: { ports: ports.map((number, k) => ({ number, name: k === 0 ? 'http' : `port-${k}`, protocol: 'tcp' })) },
      },
    }),
  };
}

function status(state: string, timestamp: number, address: string, i: number): unknown {
  return {
    state,
    timestamp,
    container_status: {
      container_id: { value: uuid(i + 1_000_000) },
      network_infos: [{ ip_addresses: [{ protocol: 'IPv4', ip_address: address }] }],
    },
  };
}

/** Looks like a UUID and differs for every number. */
function uuid(i: number): string {
  const spread = (Math.imul(i, 0x9e3779b1) >>> 0).toString(16).padStart(8, '0');
  return `${spread}-1c2d-11ec-8a3f-${i.toString(16).padStart(12, '0')}`;
}
