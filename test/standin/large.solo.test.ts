import assert from 'node:assert/strict';
import { it } from 'node:test';
import { HUGE, type LargeOptions, largeCluster, MEDIUM } from '../../src/standin/large.ts';
import { StandinMaster } from '../../src/standin/master.ts';
import { featuresOf, MODERN } from '../../src/standin/mesos-version.ts';
import { StateDocument } from '../../src/standin/state-document.ts';
import { MasterView } from '../../src/standin/view.ts';
import { bestOf } from '../support/best-of.ts';
import { type Json, objectsAt } from './support.ts';

/** Makes a cluster, fetches its state, and says how long each took in milliseconds and how large the state is. */
async function measure(options: LargeOptions) {
  const made = performance.now();
  const { cluster, scheduler } = largeCluster(options);
  const asked = performance.now();
  const master = new StandinMaster(cluster);
  await master.start();
  master.view.lead(cluster.startTime);
  master.view.recover(true);
  const fetchState = async (): Promise<string> => {
    const response = await fetch(`http://${master.endpoint}/master/state`, {
      headers: { 'accept-encoding': 'identity' },
    });
    return await response.text();
  };
  const text = await fetchState();
  const first = performance.now();
  scheduler.restart(scheduler.apps[0]?.name ?? '');
  const changed = performance.now();
  await fetchState();
  const again = performance.now();
  await master.stop();
  return { text, generateMs: asked - made, firstMs: first - asked, changedMs: again - changed };
}

it('makes 20,000 tasks on 1,000 agents, a state of about 15 MB, in seconds', async (test) => {
  let text = '';
  const limits = { 'ms to make them': 5000, 'ms to the first answer': 5000, 'ms to one after a change': 2500 };
  await bestOf(test, limits, async () => {
    const measured = await measure(MEDIUM);
    text = measured.text;
    return {
      'ms to make them': measured.generateMs,
      'ms to the first answer': measured.firstMs,
      'ms to one after a change': measured.changedMs,
    };
  });
  assert.ok(text.length > 13e6 && text.length < 17e6, `${text.length} bytes`);
  const state = JSON.parse(text) as Json;
  assert.equal(objectsAt(state, 'slaves').length, 1000);
  const tasks = objectsAt(state, 'frameworks.tasks');
  assert.equal(tasks.length, 20_000);
  assert.ok(tasks.some((task) => String(task['name']).split('.').length === 3));
});

it('makes 100,000 tasks on 5,000 agents, a state of about 75 MB', async (test) => {
  await bestOf(test, { 'ms to make them': 20_000, 'ms to write them': 20_000 }, () => {
    const started = performance.now();
    const { cluster } = largeCluster(HUGE);
    const generated = performance.now();
    const view = new MasterView(cluster);
    view.lead(cluster.startTime);
    view.recover(true);
    const self = { id: 'm-1', ip: '127.0.0.1', port: 5050, hostname: 'master-1.example', startTime: 1 };
    const text = new StateDocument(cluster, featuresOf(MODERN)).state(view, self, self);
    const written = performance.now();
    assert.ok(text.length > 68e6 && text.length < 82e6, `${text.length} bytes`);
    return { 'ms to make them': generated - started, 'ms to write them': written - generated };
  });
});
