// The zone between a fake engine and fake hosts.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PublishedTable } from '../../src/engine/engine.ts';
import type { TableChanges, TableInput } from '../../src/engine/table-input.ts';
import { MesosDnsError } from '../../src/errors.ts';
import type { Loss } from '../../src/guard/cluster-guard.ts';
import type { MasterSet } from '../../src/leader/leader.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import type { MesosState } from '../../src/state/model.ts';
import { Zone } from '../../src/zone/zone.ts';
import { load } from '../config/support.ts';
import { recordedLog } from '../support/log.ts';

/** A state whose agents have these hosts. */
function stateOf(...hosts: readonly string[]): MesosState {
  return {
    version: '1.11.0',
    leader: { host: '10.0.0.1', port: '5050' },
    agents: hosts.map((host, i) => ({ id: `S${i}`, hostname: host, active: true, pidHost: host, pidPort: '5051' })),
    recoveredAgentIds: [],
    frameworks: [],
  };
}

interface Resolution {
  readonly hosts: readonly string[];
  readonly waitMs: number;
  readonly done: () => void;
}

async function setUp() {
  const { config } = await load({ masters: ['10.0.0.1:5050'], domain: 'mesos' });
  const world = {
    /** Unix time, milliseconds. */
    now: 1_700_000_000_000,
    addresses: new Map<string, readonly string[]>(),
    /** Whether resolutions end by themselves. */
    isFast: true,
    resolutions: [] as Resolution[],
    tables: [] as TableInput[],
    refusal: null as Error | null,
    /** Serials of the zones that are to be kept. */
    kept: [] as number[],
    unwritable: [] as readonly string[],
    overlong: [] as readonly string[],
    masters: null as MasterSet | null,
    guard: {
      admit: (state: MesosState) => state,
      holdsLoss: (_loss: Loss) => false,
      noteAwaited: () => {},
    },
  };
  const { log, lines } = recordedLog();
  const metrics = createMetrics();
  const publish = (input: TableInput): PublishedTable => {
    if (world.refusal !== null) throw world.refusal;
    world.tables.push(input);
    return { sizeBytes: 100, nameCount: 5, unwritable: world.unwritable, cut: [], overlong: world.overlong };
  };
  const zone = new Zone({
    config,
    engine: {
      expect: () => undefined,
      publish,
      publishImage: () => false,
      change(changes: TableChanges, whole: () => TableInput): PublishedTable {
        const isStale = world.tables.at(-1)?.stale === true;
        assert.ok(changes.names.size + changes.pointers.size > 0 || isStale);
        assert.equal(changes.soa.serial, whole().soa.serial);
        return publish(whole());
      },
    },
    hosts: {
      resolve: (hosts: Iterable<string>, { waitMs }: { readonly waitMs: number }) =>
        new Promise<void>((done) => {
          world.resolutions.push({ hosts: [...hosts], waitMs, done });
          if (world.isFast) done();
        }),
      lookup: (host: string) => world.addresses.get(host) ?? [],
      learn: (hosts) => {
        for (const [host, addresses] of Object.entries(hosts)) world.addresses.set(host, addresses);
      },
    },
    guard: world.guard,
    masters: () => world.masters,
    onServed: ({ serial }) => void world.kept.push(serial),
    interfaceAddresses: () => ['127.0.0.1', '10.0.0.9'],
    logger: log,
    metrics,
    now: () => world.now,
  });
  const agents = () => zone.served?.records.as.get('slave.mesos.') ?? [];
  const count = async (name: keyof typeof metrics & ('zonesPublished' | 'tablesRefused' | 'zoneUnwritableRecords')) =>
    (await metrics[name].get()).values[0]?.value;
  return { zone, world, agents, lines, count };
}

describe('Zone', () => {
  it('opens with a table without records', async () => {
    const { zone, world } = await setUp();
    zone.open();
    assert.equal(zone.served, null);
    assert.deepEqual(
      world.tables.map(({ records, domain }) => [records, domain]),
      [[null, 'mesos']],
    );
  });

  it('publishes a first state with the time as its serial', async () => {
    const { zone, world, agents, count } = await setUp();
    zone.open();
    await zone.update(stateOf('10.0.1.1'));
    assert.deepEqual(agents(), ['10.0.1.1']);
    assert.equal(zone.served?.serial, 1_700_000_000);
    assert.equal(world.tables.at(-1)?.soa.serial, 1_700_000_000);
    assert.equal(world.tables.at(-1)?.records, zone.served?.records);
    assert.equal(await count('zonesPublished'), 1);
  });

  it('publishes nothing and keeps the serial where the records are the same in another order', async () => {
    const { zone, world, count } = await setUp();
    await zone.update(stateOf('10.0.1.1', '10.0.1.2'));
    const { tables } = world;
    const second = stateOf('10.0.1.2', '10.0.1.1');
    world.now += 60_000;
    await zone.update(second);
    assert.equal(tables.length, 1);
    assert.equal(zone.served?.serial, 1_700_000_000);
    assert.deepEqual(zone.served?.input.state, second);
    assert.equal(await count('zonesPublished'), 1);
  });

  it('moves the serial by what has changed, whatever the clock says', async () => {
    const { zone, world } = await setUp();
    const serials: (number | undefined)[] = [];
    for (const [host, advanceMs] of [
      ['10.0.1.1', 60_000],
      ['10.0.1.2', 0],
      ['10.0.1.3', -3_600_000],
      ['10.0.1.4', 7_200_000],
    ] as const) {
      world.now += advanceMs;
      await zone.update(stateOf(host));
      serials.push(zone.served?.serial);
    }
    assert.deepEqual(serials, [1_700_000_060, 1_700_000_062, 1_700_000_064, 1_700_000_066]);
  });

  it('keeps the old zone where a table is refused, says so, and tries again', async () => {
    const { zone, world, agents, lines, count } = await setUp();
    await zone.update(stateOf('10.0.1.1'));
    world.refusal = new MesosDnsError('ERR_TABLE_FULL', 'the table needs more than the limit');
    await zone.update(stateOf('10.0.1.2'));
    assert.deepEqual(agents(), ['10.0.1.1']);
    assert.equal(zone.served?.serial, 1_700_000_000);
    assert.equal(await count('tablesRefused'), 1);
    assert.match(lines.at(-1) ?? '', /refused.*more than the limit/);
    world.refusal = null;
    zone.refresh();
    assert.deepEqual(agents(), ['10.0.1.2']);
    assert.equal(zone.served?.serial, 1_700_000_001);
  });

  it('waits for hosts until a first zone is served, and no longer', async () => {
    const { zone, world } = await setUp();
    world.refusal = new Error('full');
    await zone.update(stateOf('agent-1.example'));
    world.refusal = null;
    await zone.update(stateOf('agent-1.example', '10.0.1.1'));
    await zone.update(stateOf('agent-2.example'));
    assert.deepEqual(
      world.resolutions.map(({ hosts, waitMs }) => [hosts, waitMs]),
      [
        [['agent-1.example'], 2000],
        [['agent-1.example'], 2000],
        [['agent-2.example'], 0],
      ],
    );
  });

  it('publishes the newest state alone where hosts are slower than states', async () => {
    const { zone, world, agents } = await setUp();
    world.isFast = false;
    const updates = ['10.0.1.1', '10.0.1.2', '10.0.1.3'].map((host) => zone.update(stateOf(host)));
    for (const { done } of [...world.resolutions].reverse()) done();
    await Promise.all(updates);
    assert.deepEqual(agents(), ['10.0.1.3']);
    assert.equal(world.tables.length, 1);
  });

  it('derives again when a host gets another address, and only then publishes', async () => {
    const { zone, world, agents } = await setUp();
    world.addresses.set('agent-1', ['10.0.1.1']);
    await zone.update(stateOf('agent-1'));
    zone.refresh();
    assert.equal(world.tables.length, 1);
    world.addresses.set('agent-1', ['10.0.1.7']);
    zone.refresh();
    assert.deepEqual(agents(), ['10.0.1.7']);
    assert.equal(world.tables.length, 2);
  });

  it('has the masters that the leader room knows', async () => {
    const { zone, world } = await setUp();
    await zone.update(stateOf());
    world.masters = { leader: null, masters: [{ host: 'fd00::2', port: 5050 }], source: 'zookeeper' };
    zone.refresh();
    assert.deepEqual(zone.served?.records.aaaas.get('master.mesos.'), ['fd00::2']);
  });

  it('does nothing on a refresh before the first state', async () => {
    const { zone, world } = await setUp();
    zone.refresh();
    assert.deepEqual([zone.served, world.tables.length], [null, 0]);
  });

  it('names a host without address once, and again after it had one', async () => {
    const { zone, world, lines } = await setUp();
    const warnings = () => lines.filter((line) => line.includes('agent-1')).length;
    await zone.update(stateOf('agent-1'));
    zone.refresh();
    assert.equal(warnings(), 1);
    world.addresses.set('agent-1', ['10.0.1.1']);
    zone.refresh();
    world.addresses.clear();
    zone.refresh();
    assert.equal(warnings(), 2);
  });

  it('counts what cannot be written and names the first five', async () => {
    const { zone, world, lines, count } = await setUp();
    world.unwritable = Array.from({ length: 7 }, (_, i) => `A odd${i}.`);
    await zone.update(stateOf('10.0.1.1'));
    assert.equal(await count('zoneUnwritableRecords'), 7);
    const [warning = ''] = lines.filter((line) => line.includes('7 records'));
    assert.ok(warning.includes('A odd4.') && !warning.includes('A odd5.'));
  });

  it('names an RRset that no message holds once, not with each zone', async () => {
    const { zone, world, lines } = await setUp();
    world.overlong = ['A slave.mesos. is larger than any DNS message'];
    await zone.update(stateOf('10.0.1.1'));
    world.now += 1000;
    await zone.update(stateOf('10.0.1.2'));
    assert.equal(world.tables.length, 2);
    assert.equal(lines.filter((line) => line.includes('larger than any')).length, 1);
  });

  it('holds back an update that the guard finds suspicious, but for the leader', async () => {
    const { zone, world, agents } = await setUp();
    await zone.update(stateOf('10.0.1.1'));
    const asked: (readonly [number, number])[] = [];
    world.guard.holdsLoss = ({ before, removed }) => asked.push([before, removed]) > 0;
    await zone.update({ ...stateOf(), leader: { host: '10.0.0.2', port: '5050' } });
    assert.deepEqual(agents(), ['10.0.1.1']);
    assert.deepEqual(zone.served?.records.as.get('leader.mesos.'), ['10.0.0.2']);
    // slave.mesos and _slave._tcp.mesos of ns1, slave, leader, master, master0, master1 and three SRV names.
    assert.deepEqual(asked, [[8, 2]]);
    world.guard.holdsLoss = () => false;
    zone.refresh();
    assert.deepEqual(agents(), []);
  });

  describe('restored from a snapshot', () => {
    const SERIAL = 1_600_000_000;
    const restored = async () => {
      const setup = await setUp();
      const { zone } = setup;
      zone.open();
      zone.restore({
        state: stateOf('agent-1.example'),
        masters: ['10.0.0.1:5050', '10.0.0.2:5050'],
        hosts: { 'agent-1.example': ['10.0.1.1'] },
        serial: SERIAL,
      });
      return setup;
    };

    it('serves what was known, as stale and under its serial, without waiting for host names', async () => {
      const { zone, world, agents } = await restored();
      assert.deepEqual(agents(), ['10.0.1.1']);
      assert.deepEqual([zone.served?.serial, zone.served?.isStale], [SERIAL, true]);
      assert.deepEqual([world.tables.at(-1)?.stale, world.tables.at(-1)?.soa.serial], [true, SERIAL]);
      assert.deepEqual(zone.served?.records.as.get('master1.mesos.'), ['10.0.0.2']);
      assert.deepEqual(
        world.resolutions.map(({ waitMs }) => waitMs),
        [0],
      );
    });

    it('keeps the serial where the masters say the same, and is no longer stale', async () => {
      const { zone, world } = await restored();
      await zone.update(stateOf('agent-1.example'));
      assert.deepEqual([zone.served?.serial, zone.served?.isStale], [SERIAL, false]);
      assert.deepEqual([world.tables.at(-1)?.stale, world.tables.at(-1)?.soa.serial], [false, SERIAL]);
    });

    it('moves the serial forward where they say something else', async () => {
      const { zone, world, agents } = await restored();
      await zone.update(stateOf('10.0.1.2'));
      assert.deepEqual(agents(), ['10.0.1.2']);
      assert.ok((zone.served?.serial ?? 0) > SERIAL);
      assert.equal(world.tables.at(-1)?.stale, false);
    });

    it('is told to be kept only when a master has confirmed it', async () => {
      const { zone, world } = await restored();
      zone.refresh();
      assert.deepEqual(world.kept, []);
      await zone.update(stateOf('agent-1.example'));
      assert.deepEqual(world.kept, [SERIAL]);
    });
  });
});
