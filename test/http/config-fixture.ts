// A complete configuration for the tests of this room: the defaults, with secrets in every place that can hold one.

import type { Config } from '../../src/config/config.ts';
import type { DeriveInput } from '../../src/records/derive.ts';
import { DEFAULT_CONFIG } from '../support/config.ts';

export const SECRET = 'hunter2/@:?';

export function configWith(changes: Partial<Config> = {}): Config {
  return {
    ...DEFAULT_CONFIG,
    zk: `zk://dns:${SECRET}@10.0.0.1:2181,10.0.0.2:2181/mesos`,
    mesosAuthentication: 'basic',
    mesosCredentials: { principal: 'dns', secret: SECRET },
    httpListener: '127.0.0.1',
    httpPort: 0,
    ...changes,
  };
}

/** What a zone without a cluster was derived from. */
export const NO_CLUSTER: DeriveInput = {
  state: { version: '', leader: { host: '', port: '' }, agents: [], recoveredAgentIds: [], frameworks: [] },
  config: configWith(),
  hostAddresses: () => [],
  masters: [],
  nameServerAddresses: [],
};
