import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  agentModel,
  derived,
  discoveryModel,
  frameworkModel,
  recordLines,
  runningStatus,
  stateOf,
  taskModel,
} from '../support/states.ts';

const PORTS = [{ begin: 31000, end: 31000 }];

describe('a task without DiscoveryInfo', () => {
  it('has addresses and SRV records under its label and its canonical name, with and without "slave"', () => {
    const task = taskModel({
      ports: PORTS,
      statuses: [runningStatus({ networkAddresses: ['172.16.0.1', 'fd00::1'] })],
    });
    assert.deepEqual(recordLines(derived(stateOf([task]))), [
      'A web-e844k-s1.marathon.mesos. 172.16.0.1',
      'A web-e844k-s1.marathon.slave.mesos. 10.1.0.1',
      'A web.marathon.mesos. 172.16.0.1',
      'A web.marathon.slave.mesos. 10.1.0.1',
      'AAAA web-e844k-s1.marathon.mesos. fd00::1',
      'AAAA web.marathon.mesos. fd00::1',
      'SRV _web._tcp.marathon.mesos. web-e844k-s1.marathon.slave.mesos.:31000',
      'SRV _web._tcp.marathon.slave.mesos. web-e844k-s1.marathon.slave.mesos.:31000',
      'SRV _web._udp.marathon.mesos. web-e844k-s1.marathon.slave.mesos.:31000',
      'SRV _web._udp.marathon.slave.mesos. web-e844k-s1.marathon.slave.mesos.:31000',
    ]);
  });

  it('counts a port that two ranges name once', () => {
    const task = taskModel({ ports: [...PORTS, { begin: 30999, end: 31001 }] });
    const { srvs } = derived(stateOf([task]));
    assert.equal(srvs.get('_web._tcp.marathon.mesos.')?.length, 3);
  });

  it('has no records unless it is running and its agent is known', () => {
    const tasks = [taskModel({ state: 'TASK_KILLING' }), taskModel({ agentId: 'c0-S2' })];
    assert.deepEqual(recordLines(derived(stateOf(tasks))), []);
  });
});

describe('a task with DiscoveryInfo', () => {
  it('is derived under its discovery name as it is and under its label', () => {
    const task = taskModel({ ports: PORTS, discovery: discoveryModel('My App', [{ protocol: '', name: 'Web UI' }]) });
    assert.deepEqual(
      recordLines(derived(stateOf([task]))).filter((line) => !line.startsWith('SRV') || !line.includes('_udp')),
      [
        'A My App-e844k-s1.marathon.mesos. 10.1.0.1',
        'A My App-e844k-s1.marathon.slave.mesos. 10.1.0.1',
        'A My App.marathon.mesos. 10.1.0.1',
        'A My App.marathon.slave.mesos. 10.1.0.1',
        'A myapp-e844k-s1.marathon.mesos. 10.1.0.1',
        'A myapp-e844k-s1.marathon.slave.mesos. 10.1.0.1',
        'A myapp.marathon.mesos. 10.1.0.1',
        'A myapp.marathon.slave.mesos. 10.1.0.1',
        'SRV _My App._tcp.marathon.mesos. My App-e844k-s1.marathon.mesos.:80',
        'SRV _My App._tcp.marathon.slave.mesos. My App-e844k-s1.marathon.slave.mesos.:31000',
        'SRV _myapp._tcp.marathon.mesos. myapp-e844k-s1.marathon.mesos.:80',
        'SRV _myapp._tcp.marathon.slave.mesos. myapp-e844k-s1.marathon.slave.mesos.:31000',
        'SRV _webui._My App._tcp.marathon.mesos. My App-e844k-s1.marathon.mesos.:80',
        'SRV _webui._myapp._tcp.marathon.mesos. myapp-e844k-s1.marathon.mesos.:80',
      ],
    );
  });

  it('takes the label of a protocol, and both usual ones where that is empty', () => {
    const ports = [
      { number: '1', protocol: 'TCP' },
      { number: '2', protocol: 'tcp,udp' },
      { number: '3', protocol: '-' },
    ];
    const { srvs } = derived(stateOf([taskModel({ discovery: discoveryModel('web', ports) })]));
    assert.deepEqual(srvs.get('_web._tcp.marathon.mesos.'), [
      'web-e844k-s1.marathon.mesos.:1',
      'web-e844k-s1.marathon.mesos.:3',
    ]);
    assert.deepEqual(srvs.get('_web._tcpudp.marathon.mesos.'), ['web-e844k-s1.marathon.mesos.:2']);
    assert.deepEqual(srvs.get('_web._udp.marathon.mesos.'), ['web-e844k-s1.marathon.mesos.:3']);
  });

  it('goes by its task name where the discovery name is empty', () => {
    const task = taskModel({ ports: PORTS, discovery: discoveryModel('', [{ number: '8080' }]) });
    assert.deepEqual(derived(stateOf([task])).srvs.get('_web._tcp.marathon.mesos.'), [
      'web-e844k-s1.marathon.slave.mesos.:31000',
    ]);
  });

  it('has its ports below "slave" too with slaveNamedPorts, without repeating a resource port', () => {
    const discovery = discoveryModel('web', [{ number: '31000', name: 'http' }]);
    const task = taskModel({ ports: PORTS, discovery });
    const target = 'web-e844k-s1.marathon.slave.mesos.:31000';
    const { srvs } = derived(stateOf([task]), { slaveNamedPorts: true });
    assert.deepEqual(srvs.get('_web._tcp.marathon.slave.mesos.'), [target]);
    assert.deepEqual(srvs.get('_http._web._tcp.marathon.slave.mesos.'), [target]);
    assert.equal(derived(stateOf([task])).srvs.has('_http._web._tcp.marathon.slave.mesos.'), false);
  });
});

describe('the address of a task', () => {
  const addressesOf = (task: Parameters<typeof taskModel>[0], config = {}) =>
    derived(stateOf([taskModel(task)]), config).as.get('web.marathon.mesos.') ?? [];

  it('comes from the first source that has any, with all that it has', () => {
    const status = runningStatus({
      networkAddresses: ['nonsense'],
      mesosAddresses: ['172.17.0.1', '172.17.0.2'],
      dockerAddresses: ['172.18.0.1'],
    });
    assert.deepEqual(addressesOf({ statuses: [status] }), ['172.17.0.1', '172.17.0.2']);
    assert.deepEqual(addressesOf({ statuses: [status] }, { IPSources: ['docker', 'host'] }), ['172.18.0.1']);
    assert.deepEqual(addressesOf({ statuses: [status] }, { IPSources: ['host', 'docker'] }), ['10.1.0.1']);
  });

  it('is with autoip that of the agent behind port mappings, else that of the container, else of the next source', () => {
    const container = { networkAddresses: ['9.0.0.2'] };
    const autoip = { IPSources: ['autoip', 'mesos'] };
    assert.deepEqual(addressesOf({ statuses: [runningStatus(container)] }, autoip), ['9.0.0.2']);
    assert.deepEqual(addressesOf({ mapsPorts: true, statuses: [runningStatus(container)] }, autoip), ['10.1.0.1']);
    const mapped = runningStatus({ ...container, mapsPorts: true });
    assert.deepEqual(addressesOf({ statuses: [mapped] }, autoip), ['10.1.0.1']);
    const labelled = runningStatus({ mesosAddresses: ['172.17.0.1'] });
    assert.deepEqual(addressesOf({ statuses: [labelled] }, autoip), ['172.17.0.1']);
    assert.deepEqual(addressesOf({ statuses: [labelled] }, { IPSources: ['autoip'] }), []);
  });

  it('comes from the latest running status, the first of equal ones', () => {
    const statuses = [
      runningStatus({ timestamp: 5, networkAddresses: ['172.16.0.1'] }),
      runningStatus({ timestamp: 9, networkAddresses: ['172.16.0.2'] }),
      runningStatus({ timestamp: 9, networkAddresses: ['172.16.0.3'] }),
      runningStatus({ timestamp: 99, state: 'TASK_STARTING', networkAddresses: ['172.16.0.4'] }),
    ];
    assert.deepEqual(addressesOf({ statuses }), ['172.16.0.2']);
    assert.deepEqual(addressesOf({ statuses: [runningStatus({ timestamp: -1, networkAddresses: ['172.16.0.1'] })] }), [
      '10.1.0.1',
    ]);
  });

  it('may have a prefix length if it is IPv6, but not if it is IPv4', () => {
    const networkAddresses = ['fd00:98::17/64', '::ffff:10.0.0.9/96', '10.0.0.9/24', 'fd00::1/129', 'fd00::2/'];
    const { as, aaaas } = derived(stateOf([taskModel({ statuses: [runningStatus({ networkAddresses })] })]));
    assert.deepEqual(aaaas.get('web.marathon.mesos.'), ['fd00:98::17']);
    assert.equal(as.has('web.marathon.mesos.'), false);
  });
});

describe('a dotted task name', () => {
  const task = taskModel({ name: 'myapp.dev', ports: PORTS });

  it('answers like its label, under "slave" and as a service too', () => {
    assert.deepEqual(
      [...derived(stateOf([task])).aliases],
      [
        ['myapp.dev.marathon.mesos.', ['myapp-dev.marathon.mesos.']],
        ['myapp.dev.marathon.slave.mesos.', ['myapp-dev.marathon.slave.mesos.']],
        ['_myapp.dev._tcp.marathon.mesos.', ['_myapp-dev._tcp.marathon.mesos.']],
        ['_myapp.dev._tcp.marathon.slave.mesos.', ['_myapp-dev._tcp.marathon.slave.mesos.']],
        ['_myapp.dev._udp.marathon.mesos.', ['_myapp-dev._udp.marathon.mesos.']],
        ['_myapp.dev._udp.marathon.slave.mesos.', ['_myapp-dev._udp.marathon.slave.mesos.']],
      ],
    );
  });

  it('has service aliases only where there are services, and for every protocol', () => {
    const silent = derived(stateOf([taskModel({ name: 'myapp.dev' })]));
    assert.deepEqual([...silent.aliases.keys()], ['myapp.dev.marathon.mesos.', 'myapp.dev.marathon.slave.mesos.']);
    const discovery = discoveryModel('My_App.dev', [{ protocol: 'sctp', name: 'named' }]);
    const { aliases } = derived(stateOf([taskModel({ discovery })]));
    assert.deepEqual(aliases.get('_my-app.dev._sctp.marathon.mesos.'), ['_my-app-dev._sctp.marathon.mesos.']);
    assert.ok(![...aliases.keys()].some((name) => name.startsWith('_named')));
  });

  it('answers like every label that it stands for', () => {
    const tasks = [task, taskModel({ id: 'web.2', name: 'myapp..dev' })];
    assert.deepEqual(derived(stateOf(tasks)).aliases.get('myapp.dev.marathon.mesos.'), [
      'myapp-dev.marathon.mesos.',
      'myapp--dev.marathon.mesos.',
    ]);
  });

  it('never changes a name that has records of its own, whatever its case', () => {
    const tasks = [task, taskModel({ id: 'web.2', discovery: discoveryModel('MyApp.Dev') })];
    const { aliases } = derived(stateOf(tasks));
    assert.equal(aliases.has('myapp.dev.marathon.mesos.'), false);
    assert.equal(aliases.has('_myapp.dev._tcp.marathon.mesos.'), true);
  });

  it('has no aliases with dottedNames off', () => {
    assert.equal(derived(stateOf([task]), { dottedNames: false }).aliases.size, 0);
  });
});

describe('PTR records', () => {
  const on = { reverseDNSOn: true };

  it('give a task address its only name, and only with reverseDNSOn', () => {
    const tasks = [
      taskModel({ statuses: [runningStatus({ networkAddresses: ['172.16.0.1', 'fd00::1'] })] }),
      taskModel({ id: 'web.2', name: 'a.b', statuses: [runningStatus({ networkAddresses: ['172.16.0.2'] })] }),
    ];
    const { ptrs } = derived(stateOf(tasks), on);
    assert.equal(ptrs.get('1.0.16.172.in-addr.arpa.'), 'web.marathon.mesos.');
    assert.equal(ptrs.get('2.0.16.172.in-addr.arpa.'), 'a-b.marathon.mesos.');
    assert.equal(ptrs.size, 3);
    assert.equal(derived(stateOf(tasks)).ptrs.size, 0);
  });

  it('are left out where an address has several names, or a name that cannot be written', () => {
    const shared = [taskModel(), taskModel({ id: 'web.2' })];
    assert.equal(derived(stateOf(shared), on).ptrs.get('1.0.1.10.in-addr.arpa.'), 'web.marathon.mesos.');
    const other = taskModel({ id: 'db.1', name: 'db' });
    assert.equal(derived(stateOf([...shared, other]), on).ptrs.size, 0);
    assert.equal(derived(stateOf([taskModel({ name: '' })]), on).ptrs.size, 0);
    const discovery = discoveryModel('Dotted.Name');
    assert.equal(derived(stateOf([taskModel({ discovery })]), on).ptrs.size, 1);
  });
});

describe('large RRsets', () => {
  it('hold every value once, however many there are', () => {
    const agents = Array.from({ length: 300 }, (_, i) => agentModel({ id: `c0-S${i}`, pidHost: `10.1.1.${i % 100}` }));
    const tasks = Array.from({ length: 600 }, (_, i) =>
      taskModel({ id: `web.${i % 300}`, agentId: `c0-S${i % 300}`, ports: PORTS }),
    );
    const { as, srvs } = derived(stateOf([], { agents, frameworks: [frameworkModel({ tasks })] }));
    assert.equal(as.get('slave.mesos.')?.length, 100);
    assert.equal(as.get('web.marathon.mesos.')?.length, 100);
    assert.equal(srvs.get('_web._tcp.marathon.mesos.')?.length, 300);
  });
});
