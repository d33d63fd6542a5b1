// The cluster of the demonstration: three agents, and applications that show every kind of name.

import { Cluster, type ClusterOptions } from './cluster.ts';
import { marathonTaskName, Scheduler } from './scheduler.ts';

export interface DemoCluster {
  readonly cluster: Cluster;
  readonly marathon: Scheduler;
  readonly chronos: Scheduler;
  readonly cassandra: Scheduler;
}

export function demoCluster(options: ClusterOptions = {}): DemoCluster {
  const cluster = new Cluster(options);
  for (const number of [1, 2, 3]) {
    cluster.addAgent({
      ip: `10.0.0.1${number}`,
      hostname: `agent-${number}.example`,
      attributes: { rack: `r${number}` },
    });
  }

  const marathon = new Scheduler(cluster, {
    name: 'marathon',
    pid: 'scheduler-5b3e0c5e-8f3e-4a4e-9d5c-0d2c1b6a7f10@10.0.0.5:15101',
    hostname: 'marathon.example',
    webuiUrl: 'http://10.0.0.5:8080',
    principal: 'marathon',
  });
  marathon.launch({ name: 'nginx', instances: 1, ports: [{}] });
  marathon.launch({ name: marathonTaskName('/dev/myapp'), instances: 2, ports: [{}] });
  marathon.launch({
    name: 'api',
    instances: 2,
    ports: [{ name: 'http' }, { name: 'admin' }],
    discovery: { visibility: 'EXTERNAL' },
    labels: [{ key: 'team', value: 'shop' }],
    healthChecked: true,
  });
  marathon.launch({
    name: 'search',
    instances: 2,
    ports: [{ name: 'http', containerPort: 9200 }],
    discovery: {},
    network: { name: 'dual', ipv6: true },
  });

  // A scheduler of the HTTP API has no pid: its names follow its host name, which is an address here.
  const chronos = new Scheduler(cluster, { name: 'chronos', hostname: '10.0.0.6', capabilities: ['MULTI_ROLE'] });
  chronos.launch({ name: 'nightly-report', instances: 1 });

  const cassandra = new Scheduler(cluster, {
    name: 'cassandra.prod',
    pid: 'scheduler-0c0a5b1e-2f64-4a0b-9b0e-3f1f6c1d2e3f@10.0.0.7:9000',
    hostname: 'cassandra.example',
    capabilities: ['MULTI_ROLE', 'PARTITION_AWARE'],
  });
  for (const node of ['node-0', 'node-1']) {
    cassandra.launch({
      name: node,
      instances: 1,
      ports: [{ name: 'native' }, { name: 'storage' }],
      discovery: { visibility: 'CLUSTER' },
    });
  }
  return { cluster, marathon, chronos, cassandra };
}
