// MasterInfo as masters write it into ZooKeeper, for tests: JSON since Mesos 0.24, protobuf before.

import { isIPv4 } from 'node:net';

export interface MasterInfoFields {
  readonly ip: string;
  readonly port: number;
  /** Default: the address, as a master without a host name does. */
  readonly hostname?: string;
  readonly id?: string;
  readonly version?: string;
}

/** The integer that a little-endian master writes for an IPv4 address; 0 for IPv6. */
export function littleEndianIp(ip: string): number {
  if (!isIPv4(ip)) return 0;
  return Buffer.from(ip.split('.').map(Number)).readUInt32LE();
}

export function masterInfoJson(fields: MasterInfoFields): Buffer {
  const { ip, port, hostname = ip, id = '6e1c0000-0000-4000-8000-000000000001', version = '1.11.0' } = fields;
  return Buffer.from(
    JSON.stringify({
      address: { hostname, ip, port },
      capabilities: [{ type: 'AGENT_UPDATE' }],
      hostname,
      id,
      ip: littleEndianIp(ip),
      pid: `master@${ip}:${port}`,
      port,
      version,
    }),
  );
}

/** As 0.17 to 0.23 wrote it: no `address`. */
export function masterInfoProtobuf(fields: MasterInfoFields): Buffer {
  const { ip, port, hostname = ip, id = '20150520-102046-16777343-5050-50974', version = '0.23.0' } = fields;
  return Buffer.concat([
    textField(1, id),
    varintField(2, littleEndianIp(ip)),
    varintField(3, port),
    textField(4, `master@${ip}:${port}`),
    textField(5, hostname),
    textField(6, version),
  ]);
}

export function varintField(field: number, value: number): Buffer {
  return Buffer.concat([varint(field * 8), varint(value)]);
}

export function textField(field: number, text: string): Buffer {
  return bytesField(field, Buffer.from(text));
}

export function bytesField(field: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([varint(field * 8 + 2), varint(bytes.length), bytes]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) + 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return Buffer.from([...bytes, rest]);
}
