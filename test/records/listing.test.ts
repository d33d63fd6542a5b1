import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { axfrDocument, enumerate } from '../../src/records/listing.ts';
import { asSent } from '../support/corpus.ts';
import { derived, deriveInput, frameworkModel, stateOf, taskModel } from '../support/states.ts';

describe('the axfr document', () => {
  it('has the fields and names of the original', () => {
    const config = { ttl: 60, refreshSeconds: 30, SOAMname: 'ns1.mesos', SOARname: 'root.ns1.mesos.', domain: 'mesos' };
    const document = axfrDocument(derived(stateOf([], { agents: [], frameworks: [] })), config, 1234);
    assert.deepEqual(asSent(document), {
      TTL: 60,
      Serial: 1234,
      RefreshSeconds: 30,
      Mname: 'ns1.mesos.',
      Rname: 'root.ns1.mesos.',
      Domain: 'mesos',
      Records: {
        As: {
          'leader.mesos.': ['10.0.0.1'],
          'master.mesos.': ['10.0.0.1'],
          'master0.mesos.': ['10.0.0.1'],
        },
        AAAAs: {},
        SRVs: {
          '_leader._tcp.mesos.': ['leader.mesos.:5050'],
          '_leader._udp.mesos.': ['leader.mesos.:5050'],
        },
      },
    });
  });
});

describe('the enumerate document', () => {
  it('lists a record at the first task that added it, and null for a task that added none', () => {
    const tasks = [taskModel(), taskModel({ state: 'TASK_FINISHED', id: 'web.2' }), taskModel()];
    const { frameworks } = enumerate(deriveInput(stateOf(tasks)));
    assert.deepEqual(
      frameworks?.[0]?.tasks.map(({ id, records }) => [id, records?.length ?? null]),
      [
        ['web.1', 4],
        ['web.1', null],
      ],
    );
    assert.deepEqual(frameworks?.[0]?.tasks[0]?.records?.[0], {
      name: 'web.marathon.mesos.',
      host: '10.1.0.1',
      rtype: 'A',
    });
  });

  it('lists frameworks without tasks, and null without frameworks', () => {
    const two = stateOf([], { frameworks: [frameworkModel({ name: 'a' }), frameworkModel({ name: '' })] });
    assert.deepEqual(enumerate(deriveInput(two)).frameworks, [
      { name: 'a', tasks: [] },
      { name: '', tasks: [] },
    ]);
    assert.deepEqual(enumerate(deriveInput(stateOf([], { frameworks: [] }))), { frameworks: null });
  });
});
