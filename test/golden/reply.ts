// An answer as the lines of a golden case, decoded by dns-packet, so that the two can be compared as text.

import assert from 'node:assert/strict';
import { type Answer, decode, type OptAnswer } from 'dns-packet';
import { QUERY_ID } from './ask.ts';

const STATUS: Readonly<Record<number, string>> = {
  0: 'NOERROR',
  1: 'FORMERR',
  2: 'SERVFAIL',
  3: 'NXDOMAIN',
  4: 'NOTIMP',
  5: 'REFUSED',
  16: 'BADVERS',
  23: 'BADCOOKIE',
};
const FLAGS = [
  ['aa', 0x0400],
  ['tc', 0x0200],
  ['rd', 0x0100],
  ['ra', 0x0080],
  ['ad', 0x0020],
  ['cd', 0x0010],
] as const;
const Z = 0x0040;

/** Fails where the answer is not the expected one. @param expected the lines of a case */
export function assertReply(answer: Uint8Array, query: Uint8Array, expected: readonly string[], why: string): void {
  const bytes = Buffer.from(answer);
  const isAboutOctets = (line: string) => /^(size|holds) /.test(line);
  const wanted = expected.filter((line) => !isAboutOctets(line) && line !== 'forwarded');
  assert.deepEqual(linesOf(bytes, query, wanted).sort(), [...wanted].sort(), why);
  for (const line of expected.filter(isAboutOctets)) {
    const [key = '', ...values] = line.split(/\s+/);
    if (key === 'holds') assert.ok(bytes.includes(Buffer.from(values.join(''), 'hex')), `${why}\n${line}`);
    else if (values[0] === 'at' && values[1] === 'most') assert.ok(bytes.length <= Number(values[2]), why);
    else assert.equal(bytes.length, Number(values[0]), why);
  }
}

function linesOf(bytes: Buffer, query: Uint8Array, wanted: readonly string[]): string[] {
  assert.ok(bytes.length >= 12, `an answer of ${bytes.length} octets`);
  const packet = decode(bytes);
  assert.equal(decode.bytes, bytes.length, 'nothing follows the last record');
  assert.equal(packet.id, query.length >= 2 ? Buffer.from(query).readUInt16BE(0) : QUERY_ID, 'the id');
  const flags = bytes.readUInt16BE(2);
  assert.equal(flags & 0x8000, 0x8000, 'QR');
  assert.equal(flags & Z, 0, 'the reserved bit of the header');
  assert.equal(flags & 0x7800, Buffer.from(query).readUInt16BE(2) & 0x7800, 'the opcode');

  const additionals = packet.additionals ?? [];
  const opts = additionals.filter((record): record is OptAnswer => record.type === 'OPT');
  assert.ok(opts.length <= 1, 'one OPT record at most');
  const rcode = ((opts[0]?.extendedRcode ?? 0) << 4) | (flags & 15);
  const names = FLAGS.filter(([, bit]) => (flags & bit) !== 0).map(([name]) => name);
  const questions = bytes.readUInt16BE(4);
  assert.ok(questions <= 1, 'one question at most');
  if (questions === 1) assertQuestion(bytes, query);
  return [
    ['reply', STATUS[rcode] ?? String(rcode), ...names].join(' '),
    ...(questions === 0 ? ['question none'] : []),
    ...section('answer', packet.answers ?? [], wanted),
    ...section('authority', packet.authorities ?? [], wanted),
    ...section(
      'additional',
      additionals.filter(({ type }) => type !== 'OPT'),
      wanted,
    ),
    ...opts.flatMap(optLines),
  ];
}

/** The question comes back octet for octet. */
function assertQuestion(answer: Buffer, query: Uint8Array): void {
  let end = 12;
  while (answer[end] !== 0) end += (answer[end] ?? 0) + 1;
  end += 5;
  assert.equal(answer.subarray(12, end).toString('hex'), Buffer.from(query).subarray(12, end).toString('hex'));
}

/** A line for each record; where the case says `answer 28 × x. 60 IN A`, one for all that begin so; or `some`. */
function section(name: string, records: readonly Answer[], wanted: readonly string[]): string[] {
  let texts = records.map(recordText);
  assert.equal(new Set(texts).size, texts.length, 'no record twice');
  const lines: string[] = [];
  for (const line of wanted) {
    const [, prefix = ''] = new RegExp(`^${name} \\d+ × (.+)$`).exec(line) ?? [];
    if (prefix === '') continue;
    const matching = texts.filter((text) => text.startsWith(`${prefix} `));
    texts = texts.filter((text) => !matching.includes(text));
    lines.push(`${name} ${matching.length} × ${prefix}`);
  }
  if (wanted.includes(`${name} some`) && texts.length > 0) return [...lines, `${name} some`];
  return [...lines, ...texts.map((text) => `${name} ${text}`)];
}

function recordText(record: Answer): string {
  if (!('ttl' in record) || !('data' in record)) return `${record.name} ${record.type}`;
  return `${dotted(record.name)} ${record.ttl} ${record.class} ${record.type} ${dataText(record)}`;
}

function dataText(record: Answer): string {
  switch (record.type) {
    case 'SOA': {
      const { mname, rname, serial, refresh, retry, expire, minimum } = record.data;
      return [dotted(mname), dotted(rname), serial, refresh, retry, expire, minimum].join(' ');
    }
    case 'SRV': {
      const { priority, weight, port, target } = record.data;
      return [priority, weight, port, dotted(target)].join(' ');
    }
    case 'NS':
    case 'PTR':
      return dotted(record.data);
    case 'TXT':
      return `"${[record.data].flat().join('" "')}"`;
    default:
      return 'data' in record ? String(record.data) : '';
  }
}

function dotted(name: string): string {
  return name === '.' ? name : `${name}.`;
}

/** `opt 1232 do`, then a line for each option. */
function optLines(opt: OptAnswer): string[] {
  assert.equal(opt.ednsVersion, 0, 'the version of EDNS');
  assert.equal(opt.flags & 0x7fff, 0, 'the reserved bits of the OPT record');
  const options = opt.options as unknown as readonly { readonly code: number; readonly data: Buffer }[];
  return [`opt ${opt.udpPayloadSize}${opt.flag_do ? ' do' : ''}`, ...options.map(optionText)];
}

function optionText({ code, data }: { readonly code: number; readonly data: Buffer }): string {
  switch (code) {
    case 3:
      return `option NSID ${data.toString()}`;
    case 10:
      return `option COOKIE ${data.subarray(0, 8).toString('hex')} and ${data.length - 8} octets`;
    case 11:
      return `option KEEPALIVE ${data.readUInt16BE(0) / 10} s`;
    case 15:
      return `option ERROR ${data.readUInt16BE(0)}`;
    default:
      return `option ${code} ${data.toString('hex')}`;
  }
}
