import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hostsToResolve } from '../../src/records/addresses.ts';
import { nameServerAddresses } from '../../src/records/cluster.ts';
import type { DeriveInput } from '../../src/records/derive.ts';
import {
  agentModel,
  allRecordLines,
  derived,
  frameworkModel,
  recordLines,
  runningStatus,
  stateOf,
  taskModel,
} from '../support/states.ts';

const HOSTS: Record<string, readonly string[]> = {
  dual: ['10.9.0.1', 'fd09::1', '10.9.0.1'],
  m1: ['10.0.0.1'],
  m2: ['10.0.0.2', 'fd00::2'],
};

function withHosts(input: Partial<DeriveInput> = {}): Partial<DeriveInput> & { readonly warnings: string[] } {
  const warnings: string[] = [];
  return { hostAddresses: (host) => HOSTS[host] ?? [], warn: (message) => warnings.push(message), warnings, ...input };
}

describe('framework records', () => {
  const linesOf = (framework: Parameters<typeof frameworkModel>[0], input = withHosts()) =>
    recordLines(derived(stateOf([], { agents: [], frameworks: [frameworkModel(framework)] }), {}, input));

  it('lead to the host and port of the pid', () => {
    assert.deepEqual(linesOf({ name: 'Kafka.Prod', pid: { host: 'dual', port: '15101' } }), [
      'A kafka.prod.mesos. 10.9.0.1',
      'AAAA kafka.prod.mesos. fd09::1',
      'SRV _framework._tcp.kafka.prod.mesos. kafka.prod.mesos.:15101',
    ]);
  });

  it('lead to the hostname where there is no pid, and then have no port', () => {
    assert.deepEqual(linesOf({ hostname: '10.2.0.9' }), ['A marathon.mesos. 10.2.0.9']);
    assert.deepEqual(linesOf({ hostname: '' }), []);
  });

  it('fall back to the hostname, with a warning, where the host of the pid has no address', () => {
    const input = withHosts();
    const framework = { pid: { host: 'gone', port: '1' }, hostname: '10.2.0.9' };
    assert.deepEqual(linesOf(framework, input), ['A marathon.mesos. 10.2.0.9']);
    assert.equal(input.warnings.length, 1);
  });

  it('do not exist where the pid has an empty host', () => {
    assert.deepEqual(linesOf({ pid: { host: '', port: '1' }, hostname: '10.2.0.9' }), []);
  });
});

describe('agent records', () => {
  const task = taskModel({ ports: [{ begin: 1, end: 1 }] });
  const stateWith = (agent: Parameters<typeof agentModel>[0]) => stateOf([task], { agents: [agentModel(agent)] });

  it('list every address and port of every agent once', () => {
    const agents = [
      agentModel(),
      agentModel({ id: 'c0-S2' }),
      agentModel({ id: 'c0-S3', pidHost: 'dual', pidPort: '5052' }),
      agentModel({ id: 'c0-S4', pidHost: 'fe80::4%eth0', pidPort: null }),
    ];
    const { as, aaaas, srvs } = derived(stateOf([], { agents }), {}, withHosts());
    assert.deepEqual(as.get('slave.mesos.'), ['10.1.0.1', '10.9.0.1']);
    assert.deepEqual(aaaas.get('slave.mesos.'), ['fd09::1', 'fe80::4']);
    assert.deepEqual(srvs.get('_slave._tcp.mesos.'), ['slave.mesos.:5051', 'slave.mesos.:5052']);
  });

  it('have the host text as the value, which the API lists, where the host has no address', () => {
    const input = withHosts();
    assert.deepEqual(recordLines(derived(stateWith({ pidHost: 'Gone.Example_1' }), {}, input)).slice(0, 2), [
      'A web-e844k-s1.marathon.slave.mesos. gone.example-1',
      'A web.marathon.slave.mesos. gone.example-1',
    ]);
    assert.equal(input.warnings.length, 1);
  });

  it('do not exist for an agent without pid, whose tasks keep their own addresses', () => {
    const statuses = [runningStatus({ networkAddresses: ['172.16.0.1'] })];
    const state = stateOf([taskModel({ statuses })], { agents: [agentModel({ pidHost: null, pidPort: null })] });
    assert.deepEqual(recordLines(derived(state)), [
      'A web-e844k-s1.marathon.mesos. 172.16.0.1',
      'A web.marathon.mesos. 172.16.0.1',
    ]);
  });

  it('are those of the later agent for tasks, where two have the same id', () => {
    const agents = [agentModel(), agentModel({ pidHost: '10.1.0.2' })];
    const { as } = derived(stateOf([task], { agents }));
    assert.deepEqual(as.get('web.marathon.mesos.'), ['10.1.0.2']);
    assert.deepEqual(as.get('slave.mesos.'), ['10.1.0.1', '10.1.0.2']);
  });
});

describe('master records', () => {
  const linesOf = (masters: readonly string[], leaderHost = '10.0.0.1') =>
    allRecordLines(
      derived(
        stateOf([], { agents: [], frameworks: [], leader: { host: leaderHost, port: '5050' } }),
        {},
        withHosts({ masters }),
      ),
    ).filter((line) => !line.startsWith('SRV'));

  it('number the masters in the order of the list', () => {
    assert.deepEqual(linesOf(['10.0.0.3:5050', '10.0.0.1:5050']), [
      'A leader.mesos. 10.0.0.1',
      'A master.mesos. 10.0.0.1',
      'A master.mesos. 10.0.0.3',
      'A master0.mesos. 10.0.0.3',
      'A master1.mesos. 10.0.0.1',
    ]);
  });

  it('give the leader the next number where the list lacks it, and skip addresses that are there already', () => {
    assert.deepEqual(linesOf(['10.0.0.1:5051', '10.0.0.2:5050', '10.0.0.2:5051']).slice(3), [
      'A master0.mesos. 10.0.0.2',
      'A master1.mesos. 10.0.0.1',
    ]);
    assert.deepEqual(linesOf([]).slice(2), ['A master0.mesos. 10.0.0.1']);
  });

  it('skip a leader that is listed again', () => {
    assert.deepEqual(linesOf(['10.0.0.1:5050', '10.0.0.1:5050']).slice(2), ['A master0.mesos. 10.0.0.1']);
  });

  it('keep the spelling of addresses, by which endpoints are compared', () => {
    assert.deepEqual(linesOf(['[fd00:0::2]:5050'], 'fd00::2').slice(1), [
      'AAAA master.mesos. fd00:0::2',
      'AAAA master.mesos. fd00::2',
      'AAAA master0.mesos. fd00:0::2',
      'AAAA master1.mesos. fd00::2',
    ]);
  });

  it('know a leader by its host name, and leave out names without addresses', () => {
    assert.deepEqual(linesOf(['gone:5050', 'm2:5050', 'm1:5050', 'nonsense']).slice(3), [
      'A master0.mesos. 10.0.0.2',
      'A master1.mesos. 10.0.0.1',
      'AAAA master.mesos. fd00::2',
      'AAAA master0.mesos. fd00::2',
    ]);
  });

  it('have services for the leader', () => {
    const { srvs } = derived(stateOf([]));
    assert.deepEqual(srvs.get('_leader._tcp.mesos.'), ['leader.mesos.:5050']);
    assert.deepEqual(srvs.get('_leader._udp.mesos.'), ['leader.mesos.:5050']);
  });
});

describe('the name server', () => {
  it('is published under SOAMname', () => {
    const { as, aaaas } = derived(stateOf([]), {}, { nameServerAddresses: ['10.5.0.1', 'fd05::1'] });
    assert.deepEqual(as.get('ns1.mesos.'), ['10.5.0.1']);
    assert.deepEqual(aaaas.get('ns1.mesos.'), ['fd05::1']);
  });

  it('has the addresses it listens on, and for a wildcard all of the machine but loopback ones', () => {
    const interfaces = ['127.0.0.1', '::1', '10.5.0.1', 'fe80::1%eth0', 'fd05::1'];
    assert.deepEqual(nameServerAddresses({ listener: ['127.0.0.1'] }, interfaces), ['127.0.0.1']);
    assert.deepEqual(nameServerAddresses({ listener: ['0.0.0.0'] }, interfaces), ['10.5.0.1', 'fe80::1', 'fd05::1']);
    assert.deepEqual(nameServerAddresses({ listener: ['10.5.0.1', '::'] }, interfaces), [
      '10.5.0.1',
      'fe80::1',
      'fd05::1',
    ]);
  });
});

describe('hostsToResolve', () => {
  it('lists host names once, and neither addresses nor empty hosts', () => {
    const state = stateOf([], {
      agents: [agentModel({ pidHost: 'dual' }), agentModel({ pidHost: 'fe80::4%eth0' }), agentModel({ pidHost: null })],
      frameworks: [frameworkModel({ pid: { host: 'dual', port: '1' }, hostname: 'sched' }), frameworkModel()],
    });
    assert.deepEqual(hostsToResolve(state, ['10.0.0.1:5050', 'm1:5050']).sort(), ['dual', 'm1', 'sched']);
  });
});
