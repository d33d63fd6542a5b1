// The modules as built, and the layout that they and the host share.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import * as layout from '../../src/engine/contract.ts';
import { SECTION_DATA, sectionsOf } from '../support/wasm.ts';

for (const build of ['release', 'debug'] as const) {
  describe(`the ${build} module`, () => {
    const bytes = readFile(new URL(`../../core/${build}.wasm`, import.meta.url));

    it('exports the functions of the contract and its layout version, nothing else', async () => {
      const exports = WebAssembly.Module.exports(await WebAssembly.compile(await bytes));
      const functions = exports.filter(({ kind }) => kind === 'function').map(({ name }) => name);
      assert.deepEqual(functions.sort(), [...layout.CORE_FUNCTIONS].sort());
      assert.deepEqual(
        exports.filter(({ kind }) => kind !== 'function'),
        [{ name: 'LAYOUT_VERSION', kind: 'global' }],
      );
    });

    it('imports one shared memory, nothing else', async () => {
      const imports = WebAssembly.Module.imports(await WebAssembly.compile(await bytes));
      assert.deepEqual(imports, [{ module: 'env', name: 'memory', kind: 'memory' }]);
      const [section] = sectionsOf(await bytes).filter(({ id }) => id === 2);
      // | count 1 | 3 "env" | 6 "memory" | kind 2 | flags: 1 has a maximum, 2 shared | minimum … maximum
      assert.equal(
        Buffer.from(section?.content ?? [])
          .subarray(0, 14)
          .toString('latin1'),
        '\x01\x03env\x06memory\x02\x03',
      );
    });

    it('has no data section, which every instance would write into the shared memory anew', async () => {
      const ids = sectionsOf(await bytes).map(({ id }) => id);
      assert.ok(ids.length > 4 && ids.includes(10));
      assert.ok(!ids.includes(SECTION_DATA));
    });
  });
}

/** Regions as [name, begin, end], in the order in which they must lie. */
function assertDisjoint(regions: readonly (readonly [string, number, number])[], from: number, to: number): void {
  let end = from;
  let before = 'the beginning';
  for (const [name, begin, finish] of regions) {
    assert.ok(begin >= end, `${name} begins at ${begin}, before ${before} ends at ${end}`);
    assert.ok(finish > begin, `${name} is empty`);
    end = finish;
    before = name;
  }
  assert.ok(end <= to, `${before} ends at ${end}, behind ${to}`);
}

describe('the layout', () => {
  const l = layout;

  it('keeps the regions of the memory apart', () => {
    assertDisjoint(
      [
        ['nothing', 0, 1],
        ['the control block', l.CONTROL_BASE, l.CONTROL_BASE + l.CONTROL_SIZE],
        ['the workers', l.WORKERS_BASE, l.WORKERS_BASE + l.WORKERS_MAX * l.WORKER_SIZE],
        ['the rate table', l.RATE_BASE, l.RATE_BASE + l.RATE_SIZE],
        ['the arena', l.ARENA_BASE, 2 ** 32],
      ],
      0,
      2 ** 32,
    );
    assertDisjoint(
      [
        ['table', l.CONTROL_TABLE, l.CONTROL_TABLE + 4],
        ['labels', l.CONTROL_LABELS, l.CONTROL_LABELS + 128],
        ['secret count', l.CONTROL_SECRET_COUNT, l.CONTROL_SECRET_COUNT + 4],
        ['secret maker', l.CONTROL_SECRET_MAKER, l.CONTROL_SECRET_MAKER + 4],
        ['keepalive', l.CONTROL_KEEPALIVE, l.CONTROL_KEEPALIVE + 4],
        ['rate', l.CONTROL_RATE, l.CONTROL_RATE + 4],
        ['slip', l.CONTROL_SLIP, l.CONTROL_SLIP + 4],
        ['rate seed', l.CONTROL_RATE_SEED, l.CONTROL_OPTIONS_END],
        ['secrets', l.CONTROL_SECRETS, l.CONTROL_SECRETS + l.SECRETS_MAX * l.SECRET_SIZE],
      ],
      l.CONTROL_BASE,
      l.CONTROL_BASE + l.CONTROL_SIZE,
    );
  });

  it('keeps the parts of a worker block apart', () => {
    assertDisjoint(
      [
        ['announced', l.WORKER_ANNOUNCED, l.WORKER_ANNOUNCED + 64],
        ['random', l.WORKER_RANDOM, l.WORKER_RANDOM + 8],
        ['answer number', l.WORKER_ANSWER_NUMBER, l.WORKER_ANSWER_NUMBER + 4],
        ['clock', l.WORKER_CLOCK, l.WORKER_CLOCK + 4],
        // Eight octets behind the longest name are cleared.
        ['name', l.QUESTION_NAME, l.QUESTION_NAME + 255 + 8],
        ['labels', l.QUESTION_LABELS, l.QUESTION_LABELS + 128],
        ['hashes', l.QUESTION_HASHES, l.QUESTION_HASHES + 128 * 8],
        ['question and reply', l.QUESTION_NAME_SIZE, l.WORKER_FIELDS_END],
        ['order', l.WORKER_ORDER, l.WORKER_ORDER + l.ORDER_MAX * 2],
        ['marks', l.WORKER_MARKS, l.WORKER_MARKS + l.ORDER_MAX * 4],
        ['emitted', l.WORKER_EMITTED, l.WORKER_EMITTED + l.EMITTED_MAX * l.EMITTED_SIZE],
        ['counts', l.WORKER_COUNTS, l.WORKER_COUNTS + l.COUNTS * 8],
        ['places', l.WORKER_PLACES, l.WORKER_TOUCHED + 4],
        ['descriptors', l.WORKER_DESCRIPTORS, l.WORKER_DESCRIPTORS + (l.BATCH_MAX + 1) * l.DESCRIPTOR_SIZE],
        ['packets', l.WORKER_PACKETS, l.WORKER_PACKETS + l.BATCH_MAX * l.SLOT_SIZE],
        ['stream', l.STREAM_MESSAGE - l.GUARD_SIZE, l.STREAM_MESSAGE + l.STREAM_ROOM + l.GUARD_SIZE],
      ],
      0,
      l.WORKER_END,
    );
    assert.ok(l.WORKER_END <= l.WORKER_SIZE);
    assert.ok(l.WORKER_SIZE - l.WORKER_END < 65536, 'the worker block is a page larger than it must be');
  });

  it('gives the fields of the parsed question and the reply an octet each of their own', () => {
    const words = [
      ...[l.QUESTION_NAME_SIZE, l.QUESTION_LABEL_COUNT, l.QUESTION_TYPE, l.QUESTION_CLASS, l.QUESTION_END],
      ...[l.EDNS_PRESENT, l.EDNS_PAYLOAD, l.EDNS_VERSION, l.EDNS_DO, l.EDNS_WANTS, l.SUBNET_FAMILY],
    ].map((at) => ['word', at, at + 4] as const);
    const reply = [
      l.REPLY_AT,
      l.REPLY_LIMIT,
      l.REPLY_ANSWERS,
      l.REPLY_AUTHORITY,
      l.REPLY_ADDITIONAL,
      l.REPLY_ERROR,
    ].map((at) => ['reply word', at, at + 4] as const);
    const subnet = ['subnet address', l.SUBNET_ADDRESS, l.SUBNET_ADDRESS + 16] as const;
    const cookie: readonly (readonly [string, number, number])[] = [
      ['cookie state', l.COOKIE_STATE, l.COOKIE_STATE + 4],
      ['cookie validity', l.COOKIE_VALID, l.COOKIE_VALID + 4],
      ['client cookie', l.COOKIE_CLIENT, l.COOKIE_CLIENT + 8],
      // What is hashed stands together.
      ['stamp', l.COOKIE_CLIENT + 8, l.COOKIE_STAMP + 8],
      ['address', l.COOKIE_STAMP + 8, l.COOKIE_ADDRESS + 16 + 8],
      ['hash', l.COOKIE_HASH, l.COOKIE_HASH + 8],
    ];
    assertDisjoint([...words, subnet, ...cookie, ...reply], l.QUESTION_NAME_SIZE, l.WORKER_FIELDS_END);
  });

  it('keeps the fields of every structure apart and inside it', () => {
    const fields = (offsets: readonly number[], widths: readonly number[]) =>
      offsets.map((at, i) => [`field ${i}`, at, at + (widths[i] ?? 4)] as const);
    const descriptor = [l.DESCRIPTOR_LENGTH, l.DESCRIPTOR_VERDICT, l.DESCRIPTOR_TRANSPORT, l.DESCRIPTOR_FAMILY];
    assertDisjoint(fields([...descriptor, l.DESCRIPTOR_ADDRESS], [4, 4, 4, 4, 16]), 0, l.DESCRIPTOR_SIZE);
    const table = [0, l.TABLE_SIZE, l.TABLE_GENERATION, l.TABLE_FLAGS, l.TABLE_DIRECTORY, l.TABLE_PAGE_MASK];
    table.push(l.TABLE_ZONES, l.TABLE_ZONE_COUNT, l.TABLE_NEGATIVE_SOA, l.TABLE_NEGATIVE_SOA_SIZE);
    table.push(l.TABLE_UDP_PAYLOAD, l.TABLE_NSID, l.TABLE_NSID_SIZE, l.TABLE_CHAOS, l.TABLE_CHAOS_COUNT);
    table.push(l.TABLE_ZONE_BUCKETS, l.TABLE_ZONE_BUCKET_MASK, l.TABLE_LOCAL_SOA);
    assertDisjoint(fields(table, []), 0, l.TABLE_HEADER_SIZE);
    const chaos = [l.CHAOS_HASH, l.CHAOS_NAME_SIZE, l.CHAOS_NAME, l.CHAOS_RECORD, l.CHAOS_RECORD_SIZE];
    assertDisjoint(fields(chaos, [8, 4, 4, 4, 4]), 0, l.CHAOS_SIZE);
    const zone = [l.ZONE_HASH, l.ZONE_LABEL_COUNT, l.ZONE_NAME_SIZE, l.ZONE_NAME, l.ZONE_KIND, l.ZONE_LEAF_LABELS];
    assertDisjoint(fields(zone, [8, 4, 4, 4, 4, 4]), 0, l.ZONE_SIZE);
    assertDisjoint(fields([l.SLOT_TAG, l.SLOT_NODE], []), 0, l.INDEX_SLOT_SIZE);
    const list = [l.LIST_AT, l.LIST_COUNT, l.LIST_ADDED, l.LIST_GARBAGE, l.LIST_IS_FULL, l.LIST_NEXT, l.LIST_ABOVE];
    assertDisjoint(fields(list, [4, 4, 4, 4, 4, 4, l.ABOVE_SIZE * l.LIST_ABOVE_MAX]), 0, l.LIST_NAMES);
    const above = [l.ABOVE_HASH, l.ABOVE_NAME, l.ABOVE_NAME_SIZE, l.ABOVE_ELEMENT];
    assertDisjoint(fields(above, [8, 4, 4, 4]), 0, l.ABOVE_SIZE);
    const listed = [l.LISTED_TEXT_SIZE, l.LISTED_EXTENT, l.LISTED_RRSETS, l.LISTED_RRSET_COUNT, l.LISTED_NODE];
    const listedWidths = [4, 4, l.RRSET_SIZE * l.LISTED_RRSETS_MAX, 4, 4, 8, 4, 4];
    assertDisjoint(
      fields([...listed, l.LISTED_HASH, l.LISTED_FIRST, l.LISTED_SIBLINGS], listedWidths),
      0,
      l.LISTED_SIZE,
    );
    const service = [l.SERVICE_TEXT_SIZE, l.SERVICE_TARGET, l.SERVICE_HASH, l.SERVICE_NAME, l.SERVICE_NAME_SIZE];
    assertDisjoint(fields(service, [4, 4, 8, 4, 4]), 0, l.SERVICE_SIZE);
    const services = [l.SERVICES_TTL, l.SERVICES_WEIGHT, l.SERVICES_COUNT, l.SERVICES_RECORDS_SIZE];
    assertDisjoint(fields(services, []), 0, l.SERVICES);
    // The slot's number is what the hash has above the page's.
    assert.equal(2 ** (32 - l.PAGE_SLOT_SHIFT), l.PAGE_SLOTS);
    assert.equal(2 ** l.PAGE_SLOT_SHIFT, l.PAGES_MAX);
    assert.ok(l.SLOT_EMPTY < l.ARENA_BASE);
    const rate = [l.RATE_TAG, l.RATE_SECOND, l.RATE_COUNT, l.RATE_HELD, l.RATE_PREFIX, l.RATE_FAMILY, l.RATE_KIND];
    assertDisjoint(fields(rate, [4, 4, 4, 4, 8, 4, 4]), 0, l.RATE_ENTRY_SIZE);
    const node = [l.NODE_NAME_SIZE, l.NODE_RRSET_COUNT, l.NODE_FLAGS, l.NODE_EXTENT];
    assertDisjoint(fields(node, [2, 2, 4, 4]), 0, l.NODE_RRSETS);
    assertDisjoint(fields([l.RRSET_TYPE, l.RRSET_COUNT, l.RRSET_BODY], [2, 2, 4]), 0, l.RRSET_SIZE);
    assertDisjoint(fields([l.ENTRY_RECORD, l.ENTRY_RECORD_SIZE, l.ENTRY_TARGET], [4, 2, 2]), 0, l.ENTRY_SIZE);
    assertDisjoint(fields([l.TARGET_ADDRESSES, l.TARGET_A_COUNT, l.TARGET_AAAA_COUNT], [4, 2, 2]), 0, l.TARGET_SIZE);
    const flags = [l.TABLE_FLAG_LOADED, l.TABLE_FLAG_RECURSION, l.TABLE_FLAG_FORWARD, l.TABLE_FLAG_TRUNCATE];
    assert.equal(
      flags
        .concat(l.TABLE_FLAG_SUBNET_FIRST, l.TABLE_FLAG_STALE, l.TABLE_FLAG_POINTERS)
        .reduce((sum, flag) => sum + flag),
      127,
    );
  });

  it('aligns what is read atomically or as 64 bits, and regions to pages', () => {
    const aligned: readonly (readonly [number, number])[] = [
      [l.CONTROL_TABLE, 64],
      [l.CONTROL_LABELS, 8],
      [l.WORKERS_BASE, 65536],
      [l.WORKER_SIZE, 65536],
      [l.ARENA_BASE, l.TABLE_ALIGN],
      [l.WORKER_ANNOUNCED, 64],
      [l.WORKER_RANDOM, 8],
      [l.WORKER_CLOCK, 4],
      [l.QUESTION_HASHES, 8],
      [l.WORKER_ORDER, 2],
      [l.WORKER_MARKS, 4],
      [l.WORKER_EMITTED, 4],
      [l.WORKER_COUNTS, 8],
      [l.WORKER_DESCRIPTORS, 4],
      [l.WORKER_PACKETS, 4],
      [l.TABLE_HEADER_SIZE, 8],
      [l.ZONE_SIZE, 8],
      [l.CHAOS_SIZE, 8],
      [l.CONTROL_SECRETS, 8],
      [l.CONTROL_RATE_SEED, 8],
      [l.RATE_BASE, 64],
      [l.TABLE_ALIGN, l.NODE_ALIGN],
    ];
    for (const [value, to] of aligned) assert.equal(value % to, 0, `${value} is no multiple of ${to}`);
  });

  it('has room for the largest messages, batches and RRsets', () => {
    assert.ok(l.STREAM_ROOM >= 65535);
    assert.ok(l.SLOT_ROOM >= 1232);
    assert.equal(l.STREAM_SLOT, l.BATCH_MAX);
    assert.ok(l.ORDER_MAX > 65535 && l.NO_TARGET >= 65535);
    // The smallest SRV or NS record that can name a target: fixed fields and the root.
    assert.ok(l.EMITTED_MAX * (l.RECORD_FIXED_SIZE + 6 + 1) > 65535);
    assert.ok(2 ** (32 - l.ROUTE_SHIFT) > 65536 && l.VERDICT_MASK < 2 ** l.ROUTE_SHIFT);
  });
});
