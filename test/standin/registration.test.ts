import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { masterInfo, masterInfoProtobuf } from '../../src/standin/registration.ts';
import { capture } from './support.ts';

const MASTER = {
  id: '6d4915fe-0974-4ece-b674-aac96e90f181',
  ip: '127.0.0.1',
  port: 5050,
  hostname: 'master-1.lab.example',
  startTime: 1,
};

describe('MasterInfo', () => {
  it('equals in JSON what a real master of that identity registers', () => {
    assert.deepEqual(masterInfo(MASTER, '1.12.0'), capture('master-info.json'));
  });

  it('is encoded in protobuf with the address in little-endian order', () => {
    const expected = Buffer.concat([
      Buffer.from([0x0a, 36]), // 1: id
      Buffer.from(MASTER.id),
      Buffer.from([0x10, 0xff, 0x80, 0x80, 0x08]), // 2: ip, 127.0.0.1 = 0x0100007f
      Buffer.from([0x18, 0xba, 0x27]), // 3: port, 5050
      Buffer.from([0x22, 21]), // 4: pid
      Buffer.from('master@127.0.0.1:5050'),
      Buffer.from([0x2a, 20]), // 5: hostname
      Buffer.from('master-1.lab.example'),
    ]);
    assert.deepEqual(masterInfoProtobuf(MASTER), expected);
  });

  it('takes addresses with a high last octet', () => {
    assert.equal(masterInfo({ ...MASTER, ip: '10.0.0.200' }, '1.11.0')['ip'], 0xc800000a);
  });
});
