// After a long outage the follower both polls and asks for a stream. It reads one of them at a time.

import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Master, MasterSet } from '../../src/leader/leader.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import type { EventStreamClient } from '../../src/state/event-stream.ts';
import { Follower } from '../../src/state/follower.ts';
import { LiveCluster } from '../../src/state/live-cluster.ts';
import { recordedLog } from '../support/log.ts';
import { stateOf, taskModel } from '../support/states.ts';
import { until } from '../support/until.ts';

const MASTER: Master = { host: '10.0.0.1', port: 5050 };
const MASTERS: MasterSet = { leader: MASTER, masters: [MASTER], source: 'static' };
const SUBSCRIBED = Buffer.from('{"type":"SUBSCRIBED","subscribed":{"get_state":{}}}');

let close = async () => {};
afterEach(() => close());

/** A follower of one master that can be away, whose states come when they are let through. */
function setUp() {
  const asked: string[] = [];
  let isAway = false;
  let letThrough: (() => void) | null = null;
  const stream: EventStreamClient = {
    async follow(_master, _known, handlers, signal) {
      if (isAway) return { kind: 'lost', reason: 'away', isAbsence: true };
      await handlers.opened({ version: '1.11.0', leader: { host: '10.0.0.1', port: '5050' } });
      asked.push('events');
      handlers.record(SUBSCRIBED, performance.now());
      while (!isAway && !signal.aborted) await sleep(5);
      return { kind: 'lost', reason: 'cut', isAbsence: false };
    },
    pids: async () => new Map(),
    close: async () => undefined,
  };
  const follower = new Follower({
    config: { follow: 'auto', refreshSeconds: 60 },
    cluster: new LiveCluster(),
    leader: { current: MASTERS, onChange: () => () => undefined },
    client: {
      async fetch(master, { signal }) {
        asked.push('state');
        await new Promise<void>((resolve) => {
          letThrough = resolve;
          signal.addEventListener('abort', () => resolve());
        });
        return { bytes: new Uint8Array(), master, addresses: ['10.0.0.1'] };
      },
    },
    stream,
    parse: () => ({ state: stateOf([taskModel()]), warnings: [] }),
    onState: () => undefined,
    onEvents: () => undefined,
    logger: recordedLog().log,
    metrics: createMetrics(),
    random: () => 0,
  });
  close = () => follower.close();
  return {
    asked,
    follower,
    leave: (away: boolean) => {
      isAway = away;
    },
    answer: () => letThrough?.(),
  };
}

describe('a follower after a long outage', () => {
  it('asks for events when the state that it polls has come', async () => {
    const { asked, follower, leave, answer } = setUp();
    follower.start();
    await until(() => asked.length === 1, 'question for a state');
    answer();
    await until(() => follower.status.source === 'stream', 'stream');
    assert.deepEqual(asked, ['state', 'events']);
    leave(true);
    // For a while nothing is polled: it begins when the follower has noticed that the stream is lost.
    await until(() => asked.length === 3, 'question for a state in the outage');
    leave(false);
    // A stream is asked for at least twice a second.
    await sleep(1200);
    assert.deepEqual(asked, ['state', 'events', 'state']);
    answer();
    await until(() => follower.status.source === 'stream', 'stream after the outage');
    assert.deepEqual(asked, ['state', 'events', 'state', 'events']);
  });

  it('does not wait for ever for a state, not even for the first', async () => {
    const { asked, follower } = setUp();
    follower.start();
    await until(() => asked.length === 1, 'question for a state');
    await until(() => follower.status.source === 'stream' && asked.length === 2, 'stream without a state');
  });
});
