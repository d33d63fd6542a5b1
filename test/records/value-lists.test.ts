import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { AddressLists, ServiceLists } from '../../src/records/value-lists.ts';
import { agentModel, derived, discoveryModel, runningStatus, stateOf, taskModel } from '../support/states.ts';

const NAMES = ['a', 'b', 'c', 'd'];
const value = fc.constantFrom(...Array.from({ length: 30 }, (_, i) => `v${i}`));

/** What the lists must hold, kept the simple way. */
class Model {
  readonly map = new Map<string, string[]>();

  add(name: string, added: string): boolean {
    const list = this.map.get(name) ?? [];
    this.map.set(name, list);
    if (list.includes(added)) return false;
    list.push(added);
    return true;
  }
}

describe('the lists of addresses', () => {
  it('hold what was added to each name, whatever lists names share', () => {
    const sets = [['v1'], ['v2'], ['v1', 'v3'], Array.from({ length: 20 }, (_, i) => `v${i}`), []];
    const before = structuredClone(sets);
    const step = fc.tuple(fc.constantFrom(...NAMES), fc.oneof(value, fc.constantFrom(...sets)));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const lists = new AddressLists();
        const model = new Model();
        for (const [name, added] of steps) {
          if (typeof added === 'string') {
            assert.equal(lists.add(name, added), model.add(name, added));
          } else {
            assert.equal(lists.addAll(name, added), model.map.has(name));
            for (const each of added) model.add(name, each);
          }
        }
        assert.deepEqual(lists.finish(), model.map);
        assert.deepEqual(sets, before);
      }),
    );
  });

  it('are the same for names that get the same sets in turn', () => {
    const lists = new AddressLists();
    const sets = Array.from({ length: 30 }, (_, i) => [`v${i}`]);
    for (const set of sets) for (const name of ['a', 'b']) lists.addAll(name, set);
    const map = lists.finish();
    assert.equal(map.get('a')?.length, 30);
    assert.equal(map.get('a'), map.get('b'));
  });
});

describe('the lists of targets', () => {
  it('hold what was added to each name, whatever groups it is in', () => {
    const groups = [['a', 'b'], ['a'], ['b', 'c', 'd'], ['a', 'b', 'c', 'd'], ['d', 'a']];
    const step = fc.tuple(fc.oneof(fc.constantFrom(...NAMES), fc.constantFrom(...groups)), value);
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const lists = new ServiceLists();
        const model = new Model();
        for (const [names, target] of steps) {
          if (typeof names === 'string') {
            assert.equal(lists.add(names, target), model.add(names, target));
          } else {
            const isNew = names.every((name) => !model.map.get(name)?.includes(target));
            lists.addToAll(names, target, isNew);
            for (const name of names) model.add(name, target);
          }
          assert.deepEqual(lists.map, model.map);
        }
      }),
    );
  });
});

describe('names with the same records', () => {
  it('have one list', () => {
    const statuses = [runningStatus({ networkAddresses: ['10.1.0.1'] })];
    const ports = [{ begin: 31000, end: 31001 }];
    const { as, srvs } = derived(
      stateOf(
        [1, 2].map((i) => taskModel({ id: `t${i}`, statuses, ports })),
        { agents: [agentModel()] },
      ),
    );
    const hosts = [...as].filter(([name]) => name.startsWith('web')).map(([, list]) => list);
    assert.equal(hosts.length, 6);
    assert.equal(new Set(hosts).size, 1);
    const services = [...srvs].filter(([name]) => name.startsWith('_web.')).map(([, list]) => list);
    assert.equal(services.length, 4);
    assert.equal(new Set(services).size, 1);
    assert.equal(services[0]?.length, 4);
  });

  it('get lists of their own where their records part', () => {
    const tasks = [
      taskModel({ id: 't1', ports: [{ begin: 31000, end: 31000 }] }),
      taskModel({ id: 't2', discovery: discoveryModel('web', [{ protocol: 'udp', number: '53' }]) }),
    ];
    const { srvs } = derived(stateOf(tasks));
    assert.equal(srvs.get('_web._tcp.marathon.mesos.')?.length, 1);
    assert.equal(srvs.get('_web._udp.marathon.mesos.')?.length, 2);
    assert.equal(srvs.get('_web._udp.marathon.slave.mesos.')?.length, 1);
  });

  it('list a target once that two tasks of the same canonical name have', () => {
    const task = taskModel({
      ports: [
        { begin: 31000, end: 31001 },
        { begin: 31001, end: 31001 },
      ],
    });
    const { srvs } = derived(stateOf([task, task]));
    assert.equal(srvs.get('_web._tcp.marathon.mesos.')?.length, 2);
    const named = taskModel({ discovery: discoveryModel('web', [{}, { name: 'x' }, { protocol: '' }]) });
    const again = derived(stateOf([named, named]));
    assert.equal(again.srvs.get('_web._tcp.marathon.mesos.')?.length, 1);
  });

  it('list a target once where no address tells that a canonical name is taken', () => {
    const task = taskModel({ ports: [{ begin: 31000, end: 31000 }] });
    const { srvs } = derived(stateOf([task, task], { agents: [agentModel({ pidHost: null, pidPort: null })] }));
    assert.equal(srvs.get('_web._tcp.marathon.mesos.')?.length, 1);
  });
});
