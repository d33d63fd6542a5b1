import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type DecodedMaster, decodeMaster } from '../../src/leader/master-info.ts';
import { bytesField, masterInfoJson, masterInfoProtobuf, textField, varintField } from '../support/master-info.ts';

function json(document: unknown): DecodedMaster {
  return decodeMaster('json', Buffer.from(JSON.stringify(document)));
}

function master(host: string, port: number, hostname?: string): DecodedMaster {
  return { kind: 'master', master: { host, port, ...(hostname === undefined ? {} : { hostname }) } };
}

describe('decodeMaster of JSON', () => {
  it('reads what Mesos 0.24 and later write', () => {
    const data = masterInfoJson({ ip: '10.0.0.1', port: 5051, hostname: 'm1.example' });
    assert.deepEqual(decodeMaster('json', data), master('10.0.0.1', 5051, 'm1.example'));
  });

  it('prefers the address to the old fields', () => {
    const document = { id: 'x', ip: 16777226, port: 5050, address: { ip: '192.0.2.7', port: 15050 } };
    assert.deepEqual(json(document), master('192.0.2.7', 15050));
  });

  it('reads the old integer as little-endian', () => {
    assert.deepEqual(json({ ip: 16777343, port: 5050 }), master('127.0.0.1', 5050));
    assert.deepEqual(json({ ip: 4278190090, port: 5050 }), master('10.0.0.255', 5050));
    assert.deepEqual(json({ ip: -16777206, port: 5050 }), master('10.0.0.255', 5050));
  });

  it('believes the text of the PID where the integer is that of a big-endian master', () => {
    assert.deepEqual(json({ ip: 0x0a000001, port: 5050, pid: 'master@10.0.0.1:5050' }), master('10.0.0.1', 5050));
    assert.deepEqual(json({ ip: 16777226, port: 5050, pid: 'master@192.0.2.1:5050' }), master('10.0.0.1', 5050));
  });

  it('accepts IPv6 in its canonical spelling', () => {
    assert.deepEqual(json({ ip: 0, address: { ip: 'FD00:0::1', port: 5050 } }), master('fd00::1', 5050));
  });

  it('assumes port 5050 where none is given', () => {
    assert.deepEqual(json({ ip: 16777343 }), master('127.0.0.1', 5050));
  });

  it('falls back on host names where no address is known', () => {
    assert.deepEqual(json({ ip: 0, address: { hostname: 'm1', port: 80 } }), master('m1', 80, 'm1'));
    assert.deepEqual(json({ hostname: 'm2', address: { ip: '0.0.0.0' } }), master('m2', 5050, 'm2'));
  });

  const odd: readonly unknown[] = [
    null,
    [],
    [{ ip: 1 }],
    'text',
    7,
    {},
    { ip: 'x' },
    { ip: 1.5 },
    { ip: 2 ** 32 },
    { ip: 16777343, port: 0 },
    { ip: 16777343, port: '5050' },
    { ip: 16777343, port: 70000 },
    { address: [] },
    { address: { ip: 'm1', port: 5050 } },
  ];
  for (const document of odd) {
    it(`calls ${JSON.stringify(document)} odd`, () => assert.equal(json(document).kind, 'odd'));
  }

  it('calls an empty node and cut JSON odd', () => {
    assert.equal(decodeMaster('json', Buffer.alloc(0)).kind, 'odd');
    assert.equal(decodeMaster('json', Buffer.from('{"ip":1677')).kind, 'odd');
  });
});

describe('decodeMaster of protobuf', () => {
  it('reads what Mesos 0.17 to 0.23 write', () => {
    const data = masterInfoProtobuf({ ip: '10.0.0.200', port: 5051, hostname: 'm1' });
    assert.deepEqual(decodeMaster('protobuf', data), master('10.0.0.200', 5051, 'm1'));
  });

  it('reads literal bytes', () => {
    const data = Buffer.from('0a0178109a80808008' + '18ba27' + '2a026d31', 'hex');
    assert.deepEqual(decodeMaster('protobuf', data), master('26.0.0.128', 5050, 'm1'));
  });

  it('prefers the address, and skips fields that it does not know', () => {
    const address = Buffer.concat([textField(1, 'm1'), textField(2, 'fd00::9'), varintField(3, 80)]);
    const data = Buffer.concat([
      masterInfoProtobuf({ ip: '10.0.0.1', port: 5050, hostname: 'm1' }),
      bytesField(8, Buffer.from([1, 2, 3])),
      Buffer.from([(12 << 3) | 5, 1, 2, 3, 4, (13 << 3) | 1, 1, 2, 3, 4, 5, 6, 7, 8]),
      bytesField(7, address),
    ]);
    assert.deepEqual(decodeMaster('protobuf', data), master('fd00::9', 80, 'm1'));
  });

  it('calls every cut inside a field odd or reads what is whole, and never throws', () => {
    const data = masterInfoProtobuf({ ip: '10.0.0.1', port: 5050 });
    for (let length = 0; length < data.length; length += 1) decodeMaster('protobuf', data.subarray(0, length));
    assert.equal(decodeMaster('protobuf', data.subarray(0, data.length - 1)).kind, 'odd');
  });

  for (const [name, hex] of [
    ['a length beyond the end', '0aff'],
    ['an endless varint', '10ffffffffffffffffffffff'],
    ['a group', '0b0c'],
    ['field number 0', '0000'],
    ['no fields that matter', '0a0178'],
  ] as const) {
    it(`calls ${name} odd`, () => assert.equal(decodeMaster('protobuf', Buffer.from(hex, 'hex')).kind, 'odd'));
  }
});

describe('decodeMaster', () => {
  it('reads the bare PID of Mesos 0.16', () => {
    assert.deepEqual(decodeMaster('pid', Buffer.from('master@10.0.0.1:5050')), master('10.0.0.1', 5050));
    assert.equal(decodeMaster('pid', Buffer.from('10.0.0.1')).kind, 'odd');
  });

  it('turns any bytes into a value', () => {
    fc.assert(
      fc.property(fc.constantFrom('json', 'protobuf', 'pid'), fc.uint8Array({ maxLength: 60 }), (format, data) => {
        const { kind } = decodeMaster(format, data);
        return kind === 'master' || kind === 'odd';
      }),
    );
    fc.assert(fc.property(fc.json(), (text) => decodeMaster('json', Buffer.from(text)).kind !== undefined));
  });
});

describe('captures of real masters', () => {
  const expected: Readonly<Record<string, DecodedMaster>> = {
    'real-masterinfo-0.25.0.json': master('192.168.99.100', 5050, '192.168.99.100'),
    'real-masterinfo-0.28.0.json': master('9.111.255.10', 5050, 'gradyhost1.eng.platformlab.ibm.com'),
    'real-masterinfo-1.4.0.json': master('127.0.0.1', 5050, 'localhost'),
  };
  const folder = join(process.env['MESOS_DNS_CORPUS'] ?? '../shared/corpus', 'operator-api');

  it('are read as the masters that they are, where the captures are at hand', () => {
    for (const [file, master] of Object.entries(expected)) {
      const path = join(folder, file);
      if (existsSync(path)) assert.deepEqual(decodeMaster('json', readFileSync(path)), master, file);
    }
    const list = join(folder, 'real-masterinfo-pre-0.24-list.json');
    if (!existsSync(list)) return;
    const documents: unknown = JSON.parse(readFileSync(list, 'utf8'));
    assert.ok(Array.isArray(documents));
    assert.deepEqual(documents.map(json), [
      master('127.0.0.1', 5051, 'localhost'),
      master('127.0.0.1', 5050, 'localhost'),
    ]);
  });
});
