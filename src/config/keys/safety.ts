// Keys about keeping the zone good.

import { type KeyTable, MAX_UINT32 } from '../key.ts';

export const SAFETY_KEYS = {
  agentReregisterSeconds: {
    type: 'integer',
    default: 600,
    min: 0,
    max: 86_400,
    unit: 'seconds',
    doc: 'After a failover: how long the tasks of agents that the new master still expects back stay published. 0: not at all, as in Mesos-DNS.',
  },
  holdSeconds: {
    type: 'integer',
    default: 600,
    min: 0,
    max: 86_400,
    unit: 'seconds',
    doc: 'How long an update that has lost every known agent, or too many names (`holdLossPercent`), is held back while the zone before stays. 0: not at all.',
  },
  holdLossPercent: {
    type: 'integer',
    default: 50,
    min: 1,
    max: 100,
    unit: 'percent',
    doc: 'An update that removes more than this share of the names, and at least 100, is held back. 100: none is for that reason.',
  },
  stateDirectory: {
    type: 'string',
    default: '',
    doc: 'Directory of the snapshot of the last good cluster, which is served after a start without a master. Without it: `$STATE_DIRECTORY`, which systemd sets; with neither, nothing is written or read.',
  },
  snapshotMaxAgeSeconds: {
    type: 'integer',
    default: 86_400,
    min: 1,
    max: MAX_UINT32,
    unit: 'seconds',
    doc: 'A snapshot which no master has confirmed for longer is not served.',
  },
} as const satisfies KeyTable;
