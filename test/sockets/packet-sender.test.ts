// A kernel that takes some packets, refuses others, or has no room.

import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { describe, it } from 'node:test';
import { PMTUDISC_OMIT } from '../../src/sockets/libc.ts';
import { PacketSender } from '../../src/sockets/packet-sender.ts';
import { COUNTERS } from '../../src/sockets/udp-control.ts';

/** What the kernel does with one call: takes up to so many packets, or fails. */
type Step = number | keyof typeof constants.errno;

function send(count: number, steps: Step[]) {
  let errno = 0;
  let polls = 0;
  const troubles: string[] = [];
  const counts: Record<string, number> = {};
  const calls: [number, number][] = [];
  const modes: number[] = [];
  const libc = {
    poll: () => (polls += 1),
    errno: () => errno,
    addressOf: () => 1,
    setsockopt: (_fd: number, _level: number, _option: number, value: ArrayBuffer) =>
      modes.push(new Uint32Array(value)[0] ?? 0),
  };
  const counter = {
    count: (index: number, by: number) => {
      counts[COUNTERS[index] ?? ''] = by;
    },
  };
  const sender = new PacketSender(libc, counter, (_what, error) => troubles.push((error as Error).message));
  const batch = {
    shape: { family: 4 as const, localAddresses: false },
    send: (_fd: number, from: number, to: number) => {
      calls.push([from, to]);
      const step = steps.shift() ?? count;
      if (typeof step === 'number') return Math.min(step, to - from);
      errno = constants.errno[step];
      return -1;
    },
  };
  sender.send(3, batch, 0, count);
  return { counts, calls, polls, troubles, modes };
}

describe('the packet sender', () => {
  it('sends a run with one call', () => {
    assert.deepEqual(send(5, []), { counts: { sent: 5 }, calls: [[0, 5]], polls: 0, troubles: [], modes: [] });
  });

  it('goes on where the kernel took a part', () => {
    const { counts, calls } = send(5, [2, 1]);
    assert.deepEqual(calls, [
      [0, 5],
      [2, 5],
      [3, 5],
    ]);
    assert.deepEqual(counts, { sent: 5 });
  });

  it('tries again at once after a signal', () => {
    const { counts, polls } = send(5, ['EINTR', 2, 'EINTR']);
    assert.deepEqual(counts, { sent: 5 });
    assert.equal(polls, 0);
  });

  for (const code of ['EPERM', 'ECONNREFUSED', 'EHOSTUNREACH', 'EINVAL'] as const) {
    it(`leaves out a packet that fails with ${code}`, () => {
      const { counts, calls, troubles } = send(5, [2, code]);
      assert.deepEqual(calls.at(-1), [3, 5]);
      assert.deepEqual(counts, { sent: 4, sendErrors: 1 });
      assert.deepEqual(troubles, [`sendmmsg: ${code}`]);
    });
  }

  it('allows fragments where a packet is too large for the link, and sends it again', () => {
    const { counts, calls, modes, troubles } = send(5, [2, 'EMSGSIZE']);
    assert.deepEqual(calls.at(-1), [2, 5]);
    assert.deepEqual(counts, { sent: 5 });
    assert.deepEqual([modes, troubles], [[PMTUDISC_OMIT], []]);
  });

  it('leaves out a packet that is too large even so', () => {
    const { counts, calls, modes, troubles } = send(5, [2, 'EMSGSIZE', 'EMSGSIZE']);
    assert.deepEqual(calls.at(-1), [3, 5]);
    assert.deepEqual(counts, { sent: 4, sendErrors: 1 });
    assert.deepEqual([modes, troubles], [[PMTUDISC_OMIT], ['sendmmsg: EMSGSIZE']]);
  });

  for (const code of ['EAGAIN', 'ENOBUFS', 'ENOMEM'] as const) {
    it(`waits a little after ${code}`, () => {
      const { counts, polls } = send(5, [2, code, code]);
      assert.deepEqual(counts, { sent: 5 });
      assert.equal(polls, 2);
    });

    it(`gives the rest up where ${code} does not end`, () => {
      const { counts, troubles } = send(5, [2, ...Array.from({ length: 100 }, () => code)]);
      assert.deepEqual(counts, { sent: 2, sendErrors: 3 });
      assert.deepEqual(troubles, [`sendmmsg: ${code}`]);
    });
  }
});
