import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { availableCores } from '../../src/workers/cores.ts';

function cores(parallelism: number, files: Readonly<Record<string, string>> = {}): number {
  return availableCores({
    parallelism,
    readFile: (path) => {
      const text = files[path];
      if (text === undefined) throw new Error('ENOENT');
      return text;
    },
  });
}

const V2 = { '/proc/self/cgroup': '0::/system.slice/mesos-dns.service\n' };

describe('availableCores', () => {
  it('is the affinity mask where no control group says less', () => {
    assert.equal(cores(8), 8);
    assert.equal(cores(8, { ...V2, '/sys/fs/cgroup/system.slice/mesos-dns.service/cpu.max': 'max 100000\n' }), 8);
    assert.equal(cores(2, { ...V2, '/sys/fs/cgroup/system.slice/mesos-dns.service/cpu.max': '400000 100000\n' }), 2);
  });

  it('follows the smallest quota on the way to the root', () => {
    const files = {
      ...V2,
      '/sys/fs/cgroup/system.slice/mesos-dns.service/cpu.max': '600000 100000',
      '/sys/fs/cgroup/system.slice/cpu.max': '300000 100000',
    };
    assert.equal(cores(8, files), 3);
  });

  it('takes the root of a container for its own group', () => {
    assert.equal(cores(8, { '/proc/self/cgroup': '0::/', '/sys/fs/cgroup/cpu.max': '200000 100000' }), 2);
  });

  it('counts a share of a core as a core', () => {
    const quota = (text: string) => ({ '/sys/fs/cgroup/cpu.max': text });
    assert.equal(cores(8, quota('150000 100000')), 2);
    assert.equal(cores(8, quota('10000 100000')), 1);
  });

  it('knows the older control groups', () => {
    const files = (quota: string) => ({
      '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': quota,
      '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
    });
    assert.equal(cores(8, files('400000\n')), 4);
    assert.equal(cores(8, files('-1\n')), 8);
  });

  it('is at least one on this machine', () => {
    assert.ok(availableCores() >= 1);
  });
});
