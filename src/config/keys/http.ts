// Keys about serving HTTP.

import type { KeyTable } from '../key.ts';

export const HTTP_KEYS = {
  httpOn: {
    type: 'boolean',
    default: true,
    doc: 'Serve the HTTP API.',
  },
  httpListener: {
    type: 'string',
    default: '0.0.0.0',
    doc: 'The address to serve HTTP on.',
  },
  httpPort: {
    type: 'integer',
    default: 8123,
    min: 1,
    max: 65_535,
    doc: 'The port to serve HTTP on.',
  },
  metricsPrefix: {
    type: 'string',
    default: 'mesos_dns_',
    doc: 'What the names of the metrics begin with. With `coredns_`, dashboards made for CoreDNS find those that mean the same.',
  },
  enumerationOn: {
    type: 'boolean',
    default: true,
    doc: 'Serve `/v1/enumerate` and `/v1/axfr`, which list everything.',
  },
} as const satisfies KeyTable;
