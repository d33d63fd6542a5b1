// Host names in the configuration, and the name servers of the system.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { load, minimal } from './support.ts';

describe('host names in masters', () => {
  it('become their first IPv4 address, else their first IPv6 address', async () => {
    const { config, warnings } = await load(
      { masters: ['m1.example:5050', 'm2.example:5051'] },
      { names: { 'm1.example': ['fd00::1', '10.0.0.1', '10.0.1.1'], 'm2.example': ['FD00:0::2'] } },
    );
    assert.deepEqual(config.masters, ['10.0.0.1:5050', '[fd00::2]:5051']);
    assert.deepEqual(warnings, []);
  });

  it('stay, with a warning, where they do not resolve', async () => {
    const { config, warnings } = await load(
      { masters: ['gone.example:5050', 'empty.example:5050'] },
      { names: { 'empty.example': [] } },
    );
    assert.deepEqual(config.masters, ['gone.example:5050', 'empty.example:5050']);
    assert.deepEqual(warnings, [
      'masters: "gone.example:5050" does not resolve (ENOTFOUND); kept as it is',
      'masters: "empty.example:5050" does not resolve (no addresses); kept as it is',
    ]);
  });

  it('count once, with a warning, where two entries are one master', async () => {
    const { config, warnings } = await load(
      { masters: ['10.0.0.1:5050', 'm1.example:5050'] },
      { names: { 'm1.example': ['10.0.0.1'] } },
    );
    assert.deepEqual(config.masters, ['10.0.0.1:5050']);
    assert.match(warnings.join('\n'), /"m1.example:5050" and "10.0.0.1:5050" are both 10.0.0.1:5050/);
  });
});

describe('host names in listener', () => {
  const names = {
    'ns.example': ['192.0.2.1', '10.0.0.9', '::1'],
    'vip.example': ['192.0.2.7'],
    localhost: ['::1', '127.0.0.1'],
  };

  it("stand for those of their addresses that are this machine's", async () => {
    const { config } = await load({ ...minimal, listener: 'ns.example' }, { names });
    assert.deepEqual(config.listener, ['10.0.0.9', '::1']);
  });

  it('leave out an address family that this machine does not have', async () => {
    const { config } = await load({ ...minimal, listener: 'localhost' }, { names, interfaces: ['127.0.0.1'] });
    assert.deepEqual(config.listener, ['127.0.0.1']);
  });

  it('stand for all their addresses where this machine has none of them (yet)', async () => {
    const { config } = await load({ ...minimal, listener: ['vip.example', '127.0.0.1'] }, { names });
    assert.deepEqual(config.listener, ['192.0.2.7', '127.0.0.1']);
  });

  it('become one address, IPv4 if possible, in httpListener', async () => {
    const { config } = await load({ ...minimal, httpListener: 'localhost' }, { names });
    assert.equal(config.httpListener, '127.0.0.1');
  });

  it('are not needed: literals may carry brackets or, if link-local, an interface', async () => {
    const { config } = await load({ ...minimal, listener: ['[::1]', 'fe80:0::1%eth0'], httpListener: '' });
    assert.deepEqual([config.listener, config.httpListener], [['::1', 'fe80::1%eth0'], '0.0.0.0']);
  });
});

describe('empty resolvers', () => {
  it('stand for the name servers in /etc/resolv.conf that are not this machine', async () => {
    const resolvConf = [
      '# written by hand',
      'search example',
      'nameserver 10.0.0.9',
      'nameserver\t10.0.0.53 # the other one',
      'nameserver 2001:db8::53',
      'nameserver 127.0.0.1',
      'nameserver 10.0.0.53',
      '#nameserver 10.0.0.54',
      'nameserver nonsense',
      '',
    ].join('\n');
    const { config, warnings } = await load({ ...minimal, resolvers: [] }, { resolvConf });
    assert.deepEqual(config.resolvers, ['10.0.0.53:53', '[2001:db8::53]:53']);
    assert.deepEqual(warnings, []);
  });

  it('warn where that leaves no server', async () => {
    const own = await load({ ...minimal, resolvers: [] }, { resolvConf: 'nameserver 127.0.0.1\n' });
    assert.deepEqual(own.config.resolvers, []);
    assert.match(own.warnings.join('\n'), /^resolvers: empty, and \/etc\/resolv.conf names no server but this machine/);
    const missing = await load({ ...minimal, resolvers: [] });
    assert.match(
      missing.warnings.join('\n'),
      /^resolvers: empty, and \/etc\/resolv.conf cannot be read \(no such file\)/,
    );
  });

  it('do not matter when externalOn is false', async () => {
    const { config, warnings } = await load({ ...minimal, resolvers: [], externalOn: false });
    assert.deepEqual([config.resolvers, warnings], [[], []]);
  });
});
