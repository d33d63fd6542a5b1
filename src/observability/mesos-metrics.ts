// The metrics of asking the masters, and of the cluster that they tell of.

import { Counter, Gauge, Histogram, type Registry } from './prometheus.ts';

export interface MesosMetrics {
  /** Requests to masters, from the first octet sent to the whole answer, seconds. Label: its status, or `none`. */
  readonly mesosRequestDuration: Histogram<'code'>;
  /** Logins at the identity service. Label: `ok` or `failed`. */
  readonly logins: Counter<'outcome'>;
  /** Times that changed certificates or keys were taken over. */
  readonly certificateReloads: Counter;
  /** Size of the newest state document, unpacked. */
  readonly stateBytes: Gauge;
}

/** 0.004 to 32 s: from a small state on the same network to the largest on a busy master. */
const REQUEST_BOUNDS = Array.from({ length: 14 }, (_, n) => 0.004 * 2 ** n);

export function registerMesosMetrics(registry: Registry): MesosMetrics {
  const registers = [registry];
  return {
    mesosRequestDuration: new Histogram({
      name: 'mesos_dns_mesos_request_duration_seconds',
      help: 'Time from a request to a master to the end of its answer, by status; `none` where no answer came.',
      labelNames: ['code'],
      buckets: REQUEST_BOUNDS,
      registers,
    }),
    logins: new Counter({
      name: 'mesos_dns_mesos_logins_total',
      help: 'Logins at the identity service (`"mesosAuthentication": "iam"`) by outcome, `ok` or `failed`.',
      labelNames: ['outcome'],
      registers,
    }),
    certificateReloads: new Counter({
      name: 'mesos_dns_mesos_certificate_reloads_total',
      help: 'Times that changed files of certificates and keys were taken over.',
      registers,
    }),
    stateBytes: new Gauge({
      name: 'mesos_dns_mesos_state_bytes',
      help: 'Size of the newest state document, unpacked.',
      registers,
    }),
  };
}
