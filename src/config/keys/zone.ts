// Keys about what the zone holds.

import { type KeyTable, MAX_TTL, MAX_UINT32 } from '../key.ts';

export const ZONE_KEYS = {
  domain: {
    type: 'string',
    default: 'mesos',
    doc: 'The domain of the cluster: labels of letters, digits and `-`, joined by dots, without a final dot.',
  },
  ttl: {
    type: 'integer',
    default: 60,
    min: 0,
    max: MAX_TTL,
    unit: 'seconds',
    doc: 'How long clients may keep an answer.',
  },
  srvRecordDefaultWeight: {
    type: 'integer',
    default: 1,
    min: 0,
    max: 65_535,
    doc: 'The weight of every SRV record.',
  },
  IPSources: {
    type: 'list',
    default: ['netinfo', 'mesos', 'host'],
    oneOf: ['netinfo', 'mesos', 'docker', 'host', 'autoip'],
    doc: "Where a task's addresses come from; the first source that has any wins. `netinfo`: network information of the latest running status; `mesos`, `docker`: labels of that status; `host`: the agent; `autoip`: `host` for tasks with port mappings, `netinfo` for others.",
  },
  enforceRFC952: {
    type: 'boolean',
    default: false,
    doc: 'Cut labels to 24 characters that begin with a letter (RFC 952) instead of 63 (RFC 1123).',
  },
  reverseDNSOn: {
    type: 'boolean',
    default: false,
    doc: 'Answer PTR queries for the addresses of tasks.',
  },
  resolvSubnetFirst: {
    type: 'boolean',
    default: false,
    doc: "Put addresses of the client's /24 (IPv6: /64) first in answers.",
  },
  dottedNames: {
    type: 'boolean',
    default: true,
    doc: 'Also answer at dotted task names: `myapp.dev.marathon.mesos` beside `myapp-dev.marathon.mesos`.',
  },
  slaveNamedPorts: {
    type: 'boolean',
    default: false,
    doc: 'Also publish SRV records of discovery ports below `.slave`.',
  },
  healthAware: {
    type: 'boolean',
    default: false,
    doc: 'Leave tasks out that fail their health check or check, where other tasks of the name do not.',
  },
  SOARname: {
    type: 'string',
    default: 'root.ns1.mesos',
    aliases: ['email'],
    doc: "SOA: the administrator's mailbox; `@` may stand for the first dot.",
  },
  SOAMname: {
    type: 'string',
    default: 'ns1.mesos',
    aliases: ['mname'],
    doc: 'SOA: the name of this server.',
  },
  SOARefresh: {
    type: 'integer',
    default: 60,
    min: 0,
    max: MAX_UINT32,
    unit: 'seconds',
    doc: 'SOA: refresh.',
  },
  SOARetry: {
    type: 'integer',
    default: 600,
    min: 0,
    max: MAX_UINT32,
    unit: 'seconds',
    doc: 'SOA: retry.',
  },
  SOAExpire: {
    type: 'integer',
    default: 86_400,
    min: 0,
    max: MAX_UINT32,
    unit: 'seconds',
    doc: 'SOA: expire.',
  },
  SOAMinttl: {
    type: 'integer',
    default: 60,
    min: 0,
    max: MAX_TTL,
    unit: 'seconds',
    doc: 'SOA: how long clients may remember that a name does not exist.',
  },
} as const satisfies KeyTable;
