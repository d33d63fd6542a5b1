// The C library's resolver: getaddrinfo and gethostbyaddr by way of /etc/resolv.conf, as most programs use them.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { requirePackages } from '../support/debian.ts';
import { temporaryFile } from '../support/program.ts';
import type { GetentOrder, GetentRun } from './getaddrinfo-main.ts';
import { LARGE } from './server.ts';

const MAIN = fileURLToPath(new URL('./getaddrinfo-main.js', import.meta.url));
const NO_SUCH_KEY = 2;
/**
 * Files of /etc in a mount namespace, and a loopback interface in a network namespace whose port 53 nobody else has. The
 * C library asks for addresses of the families that the machine itself has one of.
 */
const SCRIPT = `
  ip link set lo up && ip address add 192.0.2.1/32 dev lo && ip address add 2001:db8::1/128 dev lo nodad &&
  mount --bind "$1" /etc/resolv.conf && mount --bind "$2" /etc/nsswitch.conf && exec "$3" "$4" "$5"
`;

const QUESTIONS = [
  ['ahostsv4', 'nginx.marathon.mesos'],
  ['ahosts', 'search.marathon.mesos'],
  ['ahostsv6', 'search.marathon.mesos'],
  ['ahosts', 'large.marathon.mesos'],
  ['ahosts', 'nginx.marathon'],
  ['ahosts', 'NGINX.Marathon.Mesos'],
  ['hosts', '9.0.0.2'],
  ['ahosts', 'no-such-task.marathon.mesos'],
  ['ahosts', '_tcp.marathon.mesos'],
  ['ahostsv6', 'nginx.marathon.mesos'],
];

const OPTIONS = ['attempts:2', 'edns0 trust-ad', 'use-vc', 'single-request'];

async function ask(): Promise<readonly (readonly GetentRun[])[]> {
  const resolvConf = temporaryFile('', 'resolv.conf');
  const nsswitch = temporaryFile('hosts: dns\n', 'nsswitch.conf');
  const order: GetentOrder = { resolvConf, options: OPTIONS, questions: QUESTIONS };
  // Not everybody may make namespaces, but everybody may who is root in one.
  const user = process.getuid?.() === 0 ? [] : ['--map-root-user'];
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { stdout } = await promisify(execFile)(
    'unshare',
    [
      ...['--mount', '--net', ...user, 'sh', '-c', SCRIPT, 'sh'],
      ...[resolvConf, nsswitch, process.execPath, MAIN, JSON.stringify(order)],
    ],
    { env, timeout: 180_000 },
  );
  return JSON.parse(stdout) as readonly (readonly GetentRun[])[];
}

const addressesOf = (run: GetentRun | undefined) => [...new Set(run?.lines.map((line) => line.split(' ')[0]))].sort();

describe('getaddrinfo', () => {
  let runs: readonly (readonly GetentRun[])[];
  before(async () => {
    await requirePackages('iproute2', 'util-linux');
    runs = await ask();
  });

  for (const [i, options] of OPTIONS.entries()) {
    it(`with \`options ${options}\` finds what is there and what is not, and all of a large RRset`, () => {
      const [v4, both, v6, large, searched, spelled, reverse, absent, empty, noV6] = runs[i] ?? [];
      assert.deepEqual(addressesOf(v4), ['10.0.0.11']);
      assert.deepEqual(addressesOf(both), ['9.0.0.2', '9.0.0.3', 'fd01::2', 'fd01::3']);
      assert.deepEqual(addressesOf(v6), ['fd01::2', 'fd01::3']);
      assert.equal(addressesOf(large).length, LARGE);
      assert.deepEqual(addressesOf(searched), ['10.0.0.11']);
      assert.deepEqual(addressesOf(spelled), ['10.0.0.11']);
      assert.match(reverse?.lines[0] ?? '', /^9\.0\.0\.2 +search\.marathon\.mesos$/);
      assert.equal(absent?.code, NO_SUCH_KEY);
      assert.equal(empty?.code, NO_SUCH_KEY);
      // getent asks for IPv4 in the form of IPv6 where there is no other.
      assert.deepEqual(addressesOf(noV6), ['::ffff:10.0.0.11']);
    });
  }
});
