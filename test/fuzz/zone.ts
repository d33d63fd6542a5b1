// The zone that fuzzed queries meet in the core, and the names that they ask for. Some of the names are those of the
// stand-in cluster, which serves where the fuzzer works over sockets.

export const DOMAIN = 'mesos';

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** Small and large RRsets, several targets, aliases, empty non-terminals, reverse names; in the form of `recordSet`. */
export const zoneLines = (agents: number): readonly string[] => [
  ...numbers(agents).map((i) => `slave.mesos. A 10.1.${i >> 8}.${i & 255}`),
  ...numbers(300).map((i) => `slave.mesos. AAAA fd00::${(i + 1).toString(16)}`),
  ...numbers(400).map((i) => `_many._tcp.marathon.mesos. SRV t${i % 90}.marathon.mesos.:${i}`),
  ...numbers(90).map((i) => `t${i}.marathon.mesos. A 10.2.0.${i}`),
  ...numbers(90).map((i) => `T${i}.marathon.mesos. AAAA fd01::${i}`),
  ...numbers(9).map((i) => `_few._tcp.marathon.mesos. SRV few-${i}.marathon.mesos.:${31_000 + i}`),
  ...numbers(9).map((i) => `few-${i}.marathon.mesos. A 10.3.0.${i}`),
  ...numbers(28).map((i) => `fits.marathon.mesos. A 10.4.0.${i}`),
  `${'l'.repeat(63)}.${'m'.repeat(63)}.${'n'.repeat(63)}.${'o'.repeat(55)}.mesos. A 10.5.0.1`,
  `_${'s'.repeat(62)}._tcp.${'m'.repeat(63)}.mesos. SRV ${'l'.repeat(63)}.${'m'.repeat(63)}.${'n'.repeat(63)}.mesos.:80`,
  `${'l'.repeat(63)}.${'m'.repeat(63)}.${'n'.repeat(63)}.mesos. A 10.5.0.2`,
  `${'x.'.repeat(124)}mesos. A 10.5.0.3`,
  'nginx.marathon.mesos. A 10.0.0.11',
  'nginx.marathon.mesos. AAAA fd02::1',
  'myapp-dev.marathon.mesos. A 10.0.0.12',
  'myapp.dev.marathon.mesos. ALIAS myapp-dev.marathon.mesos.',
  'a.b.c.d.e.mesos. A 10.0.0.13',
  'ns1.mesos. A 127.0.0.1',
  'leader.mesos. A 10.0.0.1',
  '_leader._tcp.mesos. SRV leader.mesos.:5050',
  '1.0.0.10.in-addr.arpa. PTR nginx.marathon.mesos.',
  '11.0.0.10.in-addr.arpa. PTR nginx.marathon.mesos.',
];

/** Names that make a table large, with as many empty non-terminals between them. */
export const crowd = (names: number): readonly string[] =>
  numbers(names).map((i) => `web.group${i}.crowd.mesos. A 10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);

/** Without the final dot; labels are cut at dots. */
export const NAMES: readonly string[] = [
  'mesos',
  'slave.mesos',
  '_many._tcp.marathon.mesos',
  '_few._tcp.marathon.mesos',
  '_slave._tcp.mesos',
  '_leader._tcp.mesos',
  '_nginx._tcp.marathon.mesos',
  'nginx.marathon.mesos',
  'search.marathon.mesos',
  'fits.marathon.mesos',
  't1.marathon.mesos',
  'myapp.dev.marathon.mesos',
  'leader.mesos',
  'ns1.mesos',
  'marathon.mesos',
  '_tcp.marathon.mesos',
  'c.d.e.mesos',
  'no-such-task.marathon.mesos',
  'deep.below.nginx.marathon.mesos',
  `${'l'.repeat(63)}.${'m'.repeat(63)}.${'n'.repeat(63)}.${'o'.repeat(55)}.mesos`,
  `_${'s'.repeat(62)}._tcp.${'m'.repeat(63)}.mesos`,
  `${'y'.repeat(63)}.${'m'.repeat(63)}.${'n'.repeat(63)}.${'o'.repeat(55)}.mesos`,
  `${'x.'.repeat(124)}mesos`,
  `${'z.'.repeat(124)}mesos`,
  '1.0.0.10.in-addr.arpa',
  '2.0.0.9.in-addr.arpa',
  '1.0.0.127.in-addr.arpa',
  'localhost',
  'www.invalid',
  'www.example.com',
  'mesos.example.com',
  'version.bind',
  'version.server',
  'id.server',
  'hostname.bind',
  '',
];
