// The synthetic clusters that benches use: what they contain, and that deriving them stays complete.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseState } from '../../src/state/parse.ts';
import { clusterDocument } from '../support/clusters.ts';
import { derived } from '../support/states.ts';

describe('a synthetic cluster', () => {
  const options = { tasks: 2000, agents: 100, apps: 40 };

  it('is the same document every time', () => {
    assert.equal(clusterDocument(options), clusterDocument(options));
  });

  it('has all its tasks in the records, without anything odd', () => {
    const { state, warnings } = parseState(clusterDocument(options));
    assert.deepEqual(warnings, []);
    const { as, srvs } = derived(state);
    const canonical = [...as.keys()].filter((name) => /^web-\d+-\w{5}-s\d+\.marathon\.mesos\.$/.test(name));
    assert.equal(canonical.length, options.tasks);
    const services = [...Array(options.apps).keys()].map((app) => srvs.get(`_web-${app}._tcp.marathon.slave.mesos.`));
    assert.deepEqual(new Set(services.map((values) => values?.length)), new Set([100]));
  });

  it('has dotted names on request', () => {
    const { state } = parseState(clusterDocument({ ...options, groups: true, discoveryShare: 0 }));
    assert.deepEqual(derived(state).aliases.get('web-1.shop.prod.marathon.mesos.'), [
      'web-1-shop-prod.marathon.mesos.',
    ]);
  });
});
