// Decodes what a master writes into its znode: MasterInfo (mesos.proto) as JSON or protobuf, or a bare libprocess PID.
// Whoever can write below the election path chooses these bytes, so odd ones are a value, never an exception.
//
//   message MasterInfo {             message Address {
//     1 id        string               1 hostname string
//     2 ip        uint32               2 ip       string
//     3 port      uint32  (5050)       3 port     int32
//     4 pid       string             }
//     5 hostname  string
//     7 address   Address            // since 0.24; 6, 8 and 9 are not needed here
//   }

import { type HostPort, isPort, parseHostPort } from '../dns/endpoint.ts';
import { isUnspecified, parseIp } from '../dns/ip-text.ts';
import { messageOf } from '../errors.ts';
import type { Master } from './leader.ts';
import { ProtobufError, readFields } from './protobuf.ts';

/** How a znode's data is written: the label of its name says so (election.ts). */
export type MasterInfoFormat = 'json' | 'protobuf' | 'pid';

export type DecodedMaster =
  | { readonly kind: 'master'; readonly master: Master }
  | { readonly kind: 'odd'; readonly reason: string };

const DEFAULT_PORT = 5050;

/** The fields that matter, before any of them is trusted. */
interface RawMasterInfo {
  readonly ip?: unknown;
  readonly port?: unknown;
  readonly pid?: unknown;
  readonly hostname?: unknown;
  readonly address?: { readonly hostname?: unknown; readonly ip?: unknown; readonly port?: unknown };
}

export function decodeMaster(format: MasterInfoFormat, data: Uint8Array): DecodedMaster {
  if (data.length === 0) return odd('the node is empty');
  try {
    if (format === 'pid') return fromPid(Buffer.from(data).toString('utf8').trim());
    const info = format === 'json' ? readJson(data) : readProtobuf(data);
    return info === null ? odd('not a JSON object') : choose(info);
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof ProtobufError) return odd(messageOf(error));
    throw error;
  }
}

function fromPid(pid: string): DecodedMaster {
  const master = endpointOfPid(pid);
  return master === null ? odd('not a PID such as master@10.0.0.1:5050') : { kind: 'master', master };
}

function readJson(data: Uint8Array): RawMasterInfo | null {
  const document: unknown = JSON.parse(Buffer.from(data).toString('utf8'));
  if (!isObject(document)) return null;
  const { ip, port, pid, hostname, address } = document;
  return { ip, port, pid, hostname, ...(isObject(address) ? { address } : {}) };
}

function readProtobuf(data: Uint8Array): RawMasterInfo {
  const fields = readFields(data);
  const address = fields.bytes(7);
  return {
    ip: fields.number(2),
    port: fields.number(3),
    pid: fields.text(4),
    hostname: fields.text(5),
    ...(address === undefined ? {} : { address: readAddress(address) }),
  };
}

function readAddress(data: Uint8Array): NonNullable<RawMasterInfo['address']> {
  const fields = readFields(data);
  return { hostname: fields.text(1), ip: fields.text(2), port: fields.number(3) };
}

/** `address` where it says where, else the old `ip` and `port`, and host names only where no address is known at all. */
function choose(info: RawMasterInfo): DecodedMaster {
  const hostname = textOf(info.hostname) ?? textOf(info.address?.hostname);
  const oldPort = info.port === undefined || info.port === null ? DEFAULT_PORT : info.port;
  const newPort = isPort(info.address?.port) ? info.address.port : oldPort;
  const newIp = parseIp(textOf(info.address?.ip) ?? '');

  let host: string | undefined;
  let port: unknown = newPort;
  if (newIp !== null && !isUnspecified(newIp)) {
    host = newIp.text;
  } else if (typeof info.ip === 'number' && info.ip !== 0) {
    host = ipOf(info.ip, textOf(info.pid));
    port = oldPort;
  } else {
    host = textOf(info.address?.hostname) ?? hostname;
  }
  if (host === undefined) return odd('no address');
  if (!isPort(port)) return odd('no port of 1–65535');
  return { kind: 'master', master: { host, port, ...(hostname === undefined ? {} : { hostname }) } };
}

/**
 * The field `ip` is the master's in_addr read as an integer of its own byte order: little-endian on every machine that
 * Mesos supports, so the first octet is the lowest byte. The text of the PID settles it for a big-endian master.
 */
function ipOf(ip: number, pid: string | undefined): string | undefined {
  if (!Number.isInteger(ip) || ip < -0x8000_0000 || ip > 0xffff_ffff) return undefined;
  const octets = [ip & 255, (ip >>> 8) & 255, (ip >>> 16) & 255, (ip >>> 24) & 255];
  const little = octets.join('.');
  const big = octets.toReversed().join('.');
  const fromPid = pid === undefined ? null : endpointOfPid(pid);
  return fromPid?.host === big ? big : little;
}

/** The endpoint of `name@host:port`. */
function endpointOfPid(pid: string): HostPort | null {
  const at = pid.indexOf('@');
  return at < 0 ? null : parseHostPort(pid.slice(at + 1));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function odd(reason: string): DecodedMaster {
  return { kind: 'odd', reason };
}
