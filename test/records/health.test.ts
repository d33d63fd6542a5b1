// Failing tasks leave the RRsets that others fill.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { explainName, explainTask } from '../../src/records/explain.ts';
import { enumerate } from '../../src/records/listing.ts';
import type { Task } from '../../src/state/model.ts';
import { derived, deriveInput, discoveryModel, runningStatus, stateOf, taskModel } from '../support/states.ts';

const HEALTH_AWARE = { healthAware: true };

function web(id: string, address: string, findings: Parameters<typeof runningStatus>[0] = {}): Task {
  return taskModel({
    id,
    discovery: discoveryModel('web', [{ number: '80', name: 'http' }]),
    statuses: [runningStatus({ networkAddresses: address.split(' '), ...findings })],
  });
}

const good = web('good', '10.9.0.1', { healthy: true });
const bad = web('bad', '10.9.0.2', { healthy: false });
const unchecked = web('new', '10.9.0.3');
const failing = web('failing', '10.9.0.4', { healthy: true, checkPassed: false });

const addresses = (tasks: readonly Task[], config = {}) =>
  derived(stateOf(tasks), config).as.get('web.marathon.mesos.') ?? [];

describe('with healthAware', () => {
  it('tasks that fail a health check or check are left out; those without a result are not', () => {
    const tasks = [bad, good, unchecked, failing];
    assert.deepEqual(addresses(tasks, HEALTH_AWARE), ['10.9.0.1', '10.9.0.3']);
    assert.deepEqual([...addresses(tasks)].sort(), ['10.9.0.1', '10.9.0.2', '10.9.0.3', '10.9.0.4']);
  });

  it('tasks that all fail are all published', () => {
    assert.deepEqual(addresses([bad, failing], HEALTH_AWARE), ['10.9.0.2', '10.9.0.4']);
  });

  it('it counts what the latest running status says', () => {
    const statuses = [
      runningStatus({ timestamp: 2, networkAddresses: ['10.9.0.2'], healthy: true }),
      runningStatus({ timestamp: 1, networkAddresses: ['10.9.0.2'], healthy: false }),
    ];
    assert.deepEqual(addresses([good, { ...bad, statuses }], HEALTH_AWARE), ['10.9.0.1', '10.9.0.2']);
  });

  it('each RRset is looked at by itself: names of one task keep its records, and types differ', () => {
    const both = web('both', '10.9.0.5 fd00::5', { healthy: false });
    const { as, aaaas, srvs } = derived(stateOf([good, both]), HEALTH_AWARE);
    assert.deepEqual(as.get('web.marathon.mesos.'), ['10.9.0.1']);
    assert.deepEqual(aaaas.get('web.marathon.mesos.'), ['fd00::5'], 'the only one that has an IPv6 address');
    const canonical = [...as.keys()].filter((name) => /^web-\w{5}-s1\.marathon\.mesos\.$/.test(name));
    assert.equal(canonical.length, 2);
    for (const name of ['_web._tcp.marathon.mesos.', '_http._web._tcp.marathon.mesos.']) {
      assert.equal(srvs.get(name)?.length, 1);
    }
  });

  it('/v2/explain tells what is left out, and why; /v1/enumerate lists what is published', () => {
    const input = deriveInput(stateOf([bad, good]), HEALTH_AWARE);
    const published = derived(stateOf([bad, good]), HEALTH_AWARE);
    const why = explainName(input, 'web.marathon.mesos.', published).tasks.find(({ id }) => id === 'bad');
    assert.deepEqual(
      [why?.records, why?.withheld, why?.healthy],
      [[], [{ name: 'web.marathon.mesos.', type: 'A', value: '10.9.0.2' }], false],
    );
    assert.match(why?.reason ?? '', /its health check fails.*healthAware/);
    const [whole] = explainTask(input, 'bad', published).tasks;
    assert.ok(
      whole?.records.some(({ value }) => value === '10.9.0.2'),
      'its canonical name has its address',
    );
    assert.deepEqual(
      enumerate(input).frameworks?.[0]?.tasks.map(({ id, records }) => [
        id,
        records?.some(({ name }) => name === 'web.marathon.mesos.') ?? false,
      ]),
      [
        ['good', true],
        ['bad', false],
      ],
    );
  });

  it('/v2/explain is silent of health where it does not count', () => {
    const input = deriveInput(stateOf([bad, good]));
    const [why] = explainTask(input, 'bad', derived(stateOf([bad, good]))).tasks;
    assert.deepEqual([why?.withheld, why?.healthy, why?.reason], [[], false, null]);
  });
});
