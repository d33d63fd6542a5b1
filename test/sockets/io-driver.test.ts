import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { checkBatches } from '../../src/sockets/batch-check.ts';
import { checkDatagrams } from '../../src/sockets/datagram-check.ts';
import { chooseIo, type IoMachine } from '../../src/sockets/io-driver.ts';
import { type Libc, loadLibc } from '../../src/sockets/libc.ts';

function machine(changes: Partial<IoMachine> = {}): IoMachine {
  return {
    platform: 'linux',
    arch: 'x64',
    isLittleEndian: true,
    loadLibc: () => Promise.resolve({} as Libc),
    check: () => {},
    ...changes,
  };
}

const unloadable = () => Promise.reject(new Error('no such module'));

describe('chooseIo', () => {
  it('takes batched where it works, unless dgram is wanted', async () => {
    assert.equal((await chooseIo('auto', machine())).kind, 'batched');
    assert.equal((await chooseIo('batched', machine({ arch: 'arm64' }))).kind, 'batched');
    assert.equal((await chooseIo('dgram', machine())).kind, 'dgram');
  });

  it('does not load the C library where it is not wanted or not known', async () => {
    const loadLibc = () => assert.fail('loaded');
    assert.equal((await chooseIo('dgram', machine({ loadLibc }))).kind, 'dgram');
    for (const other of [{ platform: 'darwin' }, { arch: 'riscv64' }, { isLittleEndian: false }]) {
      assert.equal((await chooseIo('batched', machine({ loadLibc, ...other }))).kind, 'dgram');
    }
  });

  it('says why it fell back, and that it did', async () => {
    const cases = [
      {
        wanted: 'auto',
        changes: { loadLibc: unloadable },
        reason: /koffi cannot be loaded: no such module/,
        fell: true,
      },
      {
        wanted: 'auto',
        changes: {
          check: () => {
            throw new Error('length: 3, not 4');
          },
        },
        reason: /failed its check: length: 3, not 4/,
        fell: true,
      },
      {
        wanted: 'batched',
        changes: { platform: 'darwin' },
        reason: /needs Linux .*, this is darwin on x64/,
        fell: true,
      },
      { wanted: 'auto', changes: { platform: 'darwin' }, reason: /needs Linux/, fell: false },
      { wanted: 'dgram', changes: {}, reason: /"dgram"/, fell: false },
    ] as const;
    for (const { wanted, changes, reason, fell } of cases) {
      const driver = await chooseIo(wanted, machine(changes));
      assert.equal(driver.kind, 'dgram');
      assert.match(driver.reason, reason);
      assert.equal(driver.kind === 'dgram' && driver.isFallback, fell);
    }
  });
});

describe('checkBatches', () => {
  it('finds the C library of this machine as expected', async () => {
    checkBatches(await loadLibc());
  });

  it('finds out a library that counts, reads or writes otherwise', async () => {
    const libc = await loadLibc();
    const HEADER_SIZE = 64;
    const broken: Record<string, Partial<Libc>> = {
      'packets sent': { sendmmsg: (fd, ptr, count, flags) => libc.sendmmsg(fd, ptr, count - 1, flags) },
      'packets received': { recvmmsg: (fd, ptr, count, flags) => libc.recvmmsg(fd, ptr, count - 1, flags, 0) },
      length: { recvmmsg: (fd, ptr, count, flags) => libc.recvmmsg(fd, ptr + HEADER_SIZE, count - 1, flags, 0) + 1 },
    };
    for (const [what, changes] of Object.entries(broken)) {
      assert.throws(() => checkBatches({ ...libc, ...changes }), { message: new RegExp(`: ${what}: `) });
    }
  });
});

describe('checkDatagrams', () => {
  it('finds the C library of this machine as expected, and leaves nothing open', async () => {
    const libc = await loadLibc();
    const descriptors = () => readdirSync('/proc/self/fd').length;
    const before = descriptors();
    checkDatagrams(libc);
    assert.equal(descriptors(), before);
  });

  it('finds out a library that counts, reads or writes otherwise', async () => {
    const libc = await loadLibc();
    const broken: Record<string, Partial<Libc>> = {
      events: { epoll_wait: (fd, ptr, count, timeout) => Math.min(libc.epoll_wait(fd, ptr, count, timeout), 1) },
      'sockets that are ready': {
        epoll_wait: (fd, ptr, count, timeout) => libc.epoll_wait(fd, ptr + 4, count, timeout),
      },
      'octets sent': { send: (fd, ptr, length, flags) => libc.send(fd, ptr, length - 1, flags) },
      'octets received': { recvfrom: (fd, ptr, _size, ...rest) => libc.recvfrom(fd, ptr, 20, ...rest) },
      'octet 0': { recvfrom: (fd, ptr, size, ...rest) => libc.recvfrom(fd, ptr + 1, size, ...rest) },
    };
    for (const [what, changes] of Object.entries(broken)) {
      assert.throws(() => checkDatagrams({ ...libc, ...changes }), { message: new RegExp(`: ${what}: `) });
    }
  });
});
