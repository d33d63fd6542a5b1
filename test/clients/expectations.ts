// What every client shall see of the same cluster, whatever its own way to say it.

import assert from 'node:assert/strict';
import { type ClientServer, LARGE } from './server.ts';

export interface Seen {
  readonly outcome: 'answers' | 'nothing of that type' | 'no such name';
  /** Record data in the usual text form, sorted; names with final dot. */
  readonly data: readonly string[];
}

/** One question as some client asks it. */
export type Lookup = (name: string, type: string) => Promise<Seen>;

export interface Expectation {
  /** Completes `sees …`. */
  readonly what: string;
  readonly name: string;
  readonly type: string;
  readonly check: (seen: Seen, server: ClientServer) => void;
}

const answers =
  (...data: readonly string[]) =>
  (seen: Seen): void =>
    assert.deepEqual(seen, { outcome: 'answers', data });
const nothing = (seen: Seen): void => assert.deepEqual(seen, { outcome: 'nothing of that type', data: [] });
const noName = (seen: Seen): void => assert.deepEqual(seen, { outcome: 'no such name', data: [] });

/** Empty non-terminals first: a resolver that takes them for absent knows nothing below any more (RFC 8020). */
export const EXPECTATIONS: readonly Expectation[] = [
  { what: 'an empty non-terminal', name: 'marathon.slave.mesos', type: 'A', check: nothing },
  { what: 'an empty non-terminal above services', name: '_tcp.marathon.mesos', type: 'SRV', check: nothing },
  { what: 'the address of a task', name: 'nginx.marathon.mesos', type: 'A', check: answers('10.0.0.11') },
  { what: 'an address below it', name: 'nginx.marathon.slave.mesos', type: 'A', check: answers('10.0.0.11') },
  {
    what: 'both addresses of two tasks',
    name: 'search.marathon.mesos',
    type: 'A',
    check: answers('9.0.0.2', '9.0.0.3'),
  },
  {
    what: 'IPv6 addresses',
    name: 'search.marathon.mesos',
    type: 'AAAA',
    check: answers('fd01::2', 'fd01::3'),
  },
  { what: 'no IPv6 address where there is none', name: 'nginx.marathon.mesos', type: 'AAAA', check: nothing },
  { what: 'no address at the apex', name: 'mesos', type: 'A', check: nothing },
  { what: 'that a name does not exist', name: 'no-such-task.marathon.mesos', type: 'A', check: noName },
  { what: 'that a service does not exist', name: '_no-such._tcp.marathon.mesos', type: 'SRV', check: noName },
  {
    what: 'the ports of a service',
    name: '_myapp.dev._tcp.marathon.mesos',
    type: 'SRV',
    check({ outcome, data }, { servicePorts }) {
      assert.equal(outcome, 'answers');
      assert.equal(data.length, servicePorts.length);
      for (const record of data) {
        const [, port, target] = /^0 1 (\d+) (\S+)$/.exec(record) ?? [];
        assert.ok(servicePorts.includes(Number(port)), record);
        assert.match(target ?? '', /^myapp-dev-[a-z0-9]{5}-s\d+\.marathon\.slave\.mesos\.$/);
      }
    },
  },
  {
    what: 'the SOA record',
    name: 'mesos',
    type: 'SOA',
    check({ outcome, data }) {
      assert.equal(outcome, 'answers');
      assert.match(data.join(), /^ns1\.mesos\. root\.ns1\.mesos\. \d+ 60 600 86400 60$/);
    },
  },
  { what: 'the NS record', name: 'mesos', type: 'NS', check: answers('ns1.mesos.') },
  { what: 'its address', name: 'ns1.mesos', type: 'A', check: answers('127.0.0.1') },
  {
    what: 'one RRset of a name where it asks for any',
    name: 'nginx.marathon.mesos',
    type: 'ANY',
    check: answers('10.0.0.11'),
  },
  {
    what: 'the name of an address',
    name: '2.0.0.9.in-addr.arpa',
    type: 'PTR',
    check: answers('search.marathon.mesos.'),
  },
  {
    what: 'all of an RRset that no UDP answer holds',
    name: 'large.marathon.mesos',
    type: 'A',
    check({ outcome, data }) {
      assert.equal(outcome, 'answers');
      assert.equal(new Set(data).size, LARGE);
      assert.ok(data.every((address) => /^9\.0\.0\.\d+$/.test(address)));
    },
  },
  { what: 'a name in other letters', name: 'NginX.maRAthon.MESOS', type: 'A', check: answers('10.0.0.11') },
];

export function seen(data: readonly string[]): Seen {
  return data.length === 0 ? { outcome: 'nothing of that type', data } : { outcome: 'answers', data: [...data].sort() };
}

export const NO_SUCH_NAME: Seen = { outcome: 'no such name', data: [] };
