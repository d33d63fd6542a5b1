import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import { HostAddresses, type HostAddressesOptions } from '../../src/hosts/host-addresses.ts';

/** A resolver whose answers the test gives by hand. */
class ManualResolver {
  readonly asked: string[] = [];
  readonly #pending = new Map<string, (answer: readonly string[] | Error) => void>();

  readonly lookup = (host: string): Promise<readonly string[]> => {
    this.asked.push(host);
    return new Promise((resolve, reject) => {
      this.#pending.set(host, (answer) => (answer instanceof Error ? reject(answer) : resolve(answer)));
    });
  };

  get underWay(): number {
    return this.#pending.size;
  }

  async answer(host: string, answer: readonly string[] | Error): Promise<void> {
    const give = this.#pending.get(host);
    assert.ok(give, `${host} was not asked for`);
    this.#pending.delete(host);
    give(answer);
    await settle();
  }
}

/** Lets promises that are ready run. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i += 1) await Promise.resolve();
}

const NOT_FOUND = new Error('ENOTFOUND');

describe('HostAddresses', () => {
  let resolver: ManualResolver;
  let hosts: HostAddresses;
  let nowMs: number;
  let changes: number;

  beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
    resolver = new ManualResolver();
    nowMs = 0;
    changes = 0;
    hosts = create();
  });

  afterEach(() => {
    hosts.close();
    mock.timers.reset();
  });

  function create(options: HostAddressesOptions = {}): HostAddresses {
    return new HostAddresses({
      lookup: resolver.lookup,
      now: () => nowMs,
      onChange: () => {
        changes += 1;
      },
      ...options,
    });
  }

  function advance(ms: number): void {
    nowMs += ms;
    mock.timers.tick(ms);
  }

  /** Asks for one host and answers at once. */
  async function know(host: string, answer: readonly string[] | Error): Promise<void> {
    const done = hosts.resolve([host], { waitMs: 1000 });
    await resolver.answer(host, answer);
    await done;
  }

  it('answers IP literals without asking anybody, IPv4-mapped ones as IPv4', async () => {
    await hosts.resolve(['10.0.0.1', '::1', '::ffff:10.0.0.2'], { waitMs: 1000 });
    assert.deepEqual(hosts.lookup('10.0.0.1'), ['10.0.0.1']);
    assert.deepEqual(hosts.lookup('0:0::1'), ['::1']);
    assert.deepEqual(hosts.lookup('::ffff:10.0.0.2'), ['10.0.0.2']);
    assert.deepEqual(resolver.asked, []);
  });

  it('waits until every unknown host has an answer, failures included', async () => {
    let returned = false;
    const done = hosts.resolve(['a.example', 'b.example'], { waitMs: 1000 }).then(() => {
      returned = true;
    });
    await resolver.answer('a.example', ['10.0.0.1', 'fd00::1', '10.0.0.1']);
    assert.equal(returned, false);
    await resolver.answer('b.example', NOT_FOUND);
    await done;
    assert.deepEqual(hosts.lookup('a.example'), ['10.0.0.1', 'fd00::1']);
    assert.deepEqual(hosts.lookup('b.example'), []);
  });

  it('finds names without regard to case', async () => {
    await know('Agent-1.Example'.toLowerCase(), ['10.0.0.1']);
    assert.deepEqual(hosts.lookup('AGENT-1.example'), ['10.0.0.1']);
  });

  it('waits at most waitMs in total and reports an answer that comes later', async () => {
    const done = hosts.resolve(['slow.example'], { waitMs: 2000 });
    advance(2000);
    await done;
    assert.deepEqual(hosts.lookup('slow.example'), []);

    await resolver.answer('slow.example', ['10.0.0.9']);
    assert.deepEqual(hosts.lookup('slow.example'), ['10.0.0.9']);
    assert.equal(changes, 0, 'reports are collected for a moment');
    advance(100);
    assert.equal(changes, 1);
  });

  it('returns at once with waitMs 0', async () => {
    await hosts.resolve(['slow.example'], { waitMs: 0 });
    assert.deepEqual(resolver.asked, ['slow.example']);
  });

  it('does not report an answer that somebody waits for', async () => {
    await know('a.example', ['10.0.0.1']);
    advance(1000);
    assert.equal(changes, 0);
  });

  it('reports many late answers once', async () => {
    await hosts.resolve(['a.example', 'b.example'], { waitMs: 0 });
    await resolver.answer('a.example', ['10.0.0.1']);
    await resolver.answer('b.example', ['10.0.0.2']);
    advance(1000);
    assert.equal(changes, 1);
  });

  it('has at most two look-ups under way and asks once per name', async () => {
    const names = Array.from({ length: 50 }, (_, i) => `h${i}.example`);
    await hosts.resolve(names, { waitMs: 0 });
    await hosts.resolve(names, { waitMs: 0 });
    assert.equal(resolver.underWay, 2);
    for (const name of names) await resolver.answer(name, NOT_FOUND);
    assert.deepEqual(resolver.asked, names);
  });

  it('asks for new names before it refreshes known ones', async () => {
    await know('old.example', ['10.0.0.1']);
    await hosts.resolve(['old.example', 'busy-1.example', 'busy-2.example'], { waitMs: 0 });
    advance(300_000);
    await hosts.resolve(['old.example', 'busy-1.example', 'busy-2.example', 'new.example'], { waitMs: 0 });
    await resolver.answer('busy-1.example', NOT_FOUND);
    assert.equal(resolver.asked.at(-1), 'new.example');
    await resolver.answer('busy-2.example', NOT_FOUND);
    assert.equal(resolver.asked.at(-1), 'old.example');
  });

  it('asks again for a failed name after 30 s and not before', async () => {
    await know('late.example', NOT_FOUND);
    advance(20_000);
    await hosts.resolve(['late.example'], { waitMs: 0 });
    assert.equal(resolver.asked.length, 1);
    advance(10_000);
    assert.equal(resolver.asked.length, 2);
    await resolver.answer('late.example', ['10.0.0.5']);
    advance(100);
    assert.deepEqual(hosts.lookup('late.example'), ['10.0.0.5']);
    assert.equal(changes, 1);
  });

  it('refreshes a known name after five minutes, keeping the old addresses until then and through failures', async () => {
    await know('a.example', ['10.0.0.1']);
    advance(300_000);
    assert.equal(resolver.asked.length, 2);
    assert.deepEqual(hosts.lookup('a.example'), ['10.0.0.1']);

    await resolver.answer('a.example', NOT_FOUND);
    assert.deepEqual(hosts.lookup('a.example'), ['10.0.0.1']);

    advance(30_000);
    await resolver.answer('a.example', ['10.0.0.2']);
    advance(100);
    assert.deepEqual(hosts.lookup('a.example'), ['10.0.0.2']);
    assert.equal(changes, 1);
  });

  it('keeps silent when the resolver only turns the order of the addresses', async () => {
    await know('a.example', ['10.0.0.1', '10.0.0.2']);
    advance(300_000);
    await resolver.answer('a.example', ['10.0.0.2', '10.0.0.1']);
    advance(1000);
    assert.deepEqual(hosts.lookup('a.example'), ['10.0.0.1', '10.0.0.2']);
    assert.equal(changes, 0);
  });

  it('forgets a name that no state mentions any more, but not after a short absence', async () => {
    await know('a.example', ['10.0.0.1']);
    for (let i = 0; i < 9; i += 1) await hosts.resolve([], { waitMs: 0 });
    assert.deepEqual(hosts.lookup('a.example'), ['10.0.0.1']);
    await hosts.resolve([], { waitMs: 0 });
    assert.deepEqual(hosts.lookup('a.example'), []);
  });

  it('leaves out what cannot be a host name, and numbers that the system would read as addresses', async () => {
    const odd = [
      '',
      'a b',
      'x\0y',
      'ünicode',
      '10.1',
      '0x7f000001',
      '127.1.',
      '12345',
      'h'.repeat(300),
      'fd00::1%eth0',
    ];
    await hosts.resolve(odd, { waitMs: 1000 });
    assert.deepEqual(resolver.asked, []);
    for (const host of odd) assert.deepEqual(hosts.lookup(host), []);
  });

  it('leaves out addresses with a zone index', async () => {
    await know('a.example', ['fe80::1%eth0', '10.0.0.1']);
    assert.deepEqual(hosts.lookup('a.example'), ['10.0.0.1']);
  });

  it('ends waiting when closed and says nothing afterwards', async () => {
    const done = hosts.resolve(['slow.example'], { waitMs: 60_000 });
    hosts.close();
    await done;
    await resolver.answer('slow.example', ['10.0.0.1']);
    advance(1000);
    assert.equal(changes, 0);
  });

  it('asks the system, which knows localhost', async () => {
    mock.timers.reset();
    const system = new HostAddresses();
    try {
      await system.resolve(['localhost'], { waitMs: 5000 });
      const addresses = system.lookup('localhost');
      assert.ok(addresses.includes('127.0.0.1') || addresses.includes('::1'), addresses.join(' '));
    } finally {
      system.close();
    }
  });
});
