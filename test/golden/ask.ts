// The octets of a golden case's query. It is put together by hand, since half of the queries are ones that no library writes.

const TYPES: Readonly<Record<string, number>> = {
  A: 1,
  NS: 2,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  OPT: 41,
  DS: 43,
  SVCB: 64,
  HTTPS: 65,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
};
const CLASSES: Readonly<Record<string, number>> = { IN: 1, CH: 3, HS: 4, NONE: 254, ANY: 255 };
const FLAGS: Readonly<Record<string, number>> = {
  qr: 0x8000,
  aa: 0x0400,
  tc: 0x0200,
  z: 0x0040,
  ad: 0x0020,
  cd: 0x0010,
};
const RD = 0x0100;

export const QUERY_ID = 0x1d5a;

/** @param words `A nginx.mesos edns=1232 do`, or `hex 1d5a 0100 …` */
export function buildQuery(words: readonly string[]): Buffer {
  const [type = '', name = '', ...options] = words;
  if (type === 'hex') return Buffer.from([name, ...options].join(''), 'hex');
  const values = new Map(options.map((word) => [word.replace(/=.*/, ''), word.replace(/^[^=]*=?/, '')]));
  const number = (key: string, otherwise: number) => (values.has(key) ? Number(values.get(key)) : otherwise);
  let flags = (number('opcode', 0) << 11) | (values.has('norec') ? 0 : RD);
  for (const [flag, bit] of Object.entries(FLAGS)) if (values.has(flag)) flags |= bit;

  const question = Buffer.concat([
    wireName(name),
    word16(TYPES[type] ?? Number(type.replace('TYPE', '')), CLASSES[values.get('class') ?? 'IN'] ?? 1),
  ]);
  const questions = number('questions', 1);
  const opt = values.has('edns') ? optRecord(options, number('edns', 1232) || 1232, number) : Buffer.alloc(0);
  const opts = opt.length === 0 ? 0 : number('opts', 1);
  const records = [...(values.get('owner') === undefined ? [] : [record(values.get('owner') ?? '')])];
  const counts = word16(
    questions,
    number('ancount', 0),
    number('nscount', 0),
    number('arcount', opts + records.length),
  );
  const message = Buffer.concat([
    word16(QUERY_ID, flags),
    counts,
    ...Array.from({ length: questions }, () => question),
    ...records,
    ...Array.from({ length: opts }, () => opt),
    Buffer.from(values.get('behind') ?? '', 'hex'),
  ]);
  return message.subarray(0, number('cut', message.length));
}

/** A name; `\.` is a dot within a label. */
function wireName(name: string): Buffer {
  if (name === '.' || name === '-') return Buffer.alloc(name === '.' ? 1 : 0);
  const labels = name.split(/(?<!\\)\./).map((label) => Buffer.from(label.replaceAll('\\.', '.')));
  return Buffer.concat([...labels.flatMap((label) => [Buffer.from([label.length]), label]), Buffer.alloc(1)]);
}

/** @param options those of the case: `option=3`, `option=10:0102030405060708`, `pad=800` */
function optRecord(options: readonly string[], payload: number, number: (key: string, or: number) => number): Buffer {
  const data = options.flatMap((option) => {
    const [, code = '', hex = ''] = /^option=(\d+):?([0-9a-f]*)$/.exec(option) ?? [];
    if (code !== '') return [word16(Number(code), hex.length / 2), Buffer.from(hex, 'hex')];
    const [, padding = ''] = /^pad=(\d+)$/.exec(option) ?? [];
    return padding === '' ? [] : [word16(12, Number(padding)), Buffer.alloc(Number(padding))];
  });
  const size = data.reduce((sum, each) => sum + each.length, 0);
  const owner = options.includes('owned') ? wireName('x') : Buffer.alloc(1);
  const extended = word16(number('version', 0), (options.includes('do') ? 0x8000 : 0) | number('flags', 0));
  return Buffer.concat([owner, word16(41, payload), extended, word16(number('rdlength', size)), ...data]);
}

/** An A record whose owner is given in hexadecimal octets, as it stands. */
function record(owner: string): Buffer {
  return Buffer.concat([Buffer.from(owner, 'hex'), word16(1, 1, 0, 0, 4), Buffer.from([10, 0, 0, 1])]);
}

function word16(...values: number[]): Buffer {
  return Buffer.from(values.flatMap((value) => [value >> 8, value & 255]));
}
