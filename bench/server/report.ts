// The results as Markdown, to be pasted into the README.

import { readFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import type { Latency } from './latency.ts';
import type { Turn } from './load.ts';
import { type ServerName, TITLES } from './servers.ts';

type Turns<T> = ReadonlyMap<ServerName, readonly T[]>;

/** A cache whose upstream works more than this per query did not answer from memory alone. */
const ASKED_UPSTREAM_US = 0.1;

/** Others are compared with these. */
const JUDGES: readonly ServerName[] = ['knot', 'nsd', 'echo', 'dgram'];
const JUDGE_TITLES: Partial<Record<ServerName, string>> = { knot: 'Knot', nsd: 'NSD' };

/** What was measured on, in one line. */
export function machineLine(packages: readonly string[]): string {
  const model = /^model name\s*:\s*(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? cpus()[0]?.model;
  return `${cpus().length} × ${model ?? 'unknown processor'}, Linux ${release()}, Node.js ${process.version}; ${packages.join(', ')}`;
}

export interface LoadView {
  readonly judges?: readonly ServerName[];
  readonly titles?: Partial<Record<ServerName, string>>;
}

const total = ({ userUs, systemUs }: Turn) => userUs + systemUs;

export function loadTable(turns: Turns<Turn>, { judges: wanted = JUDGES, titles = {} }: LoadView = {}): string {
  const judges = wanted.filter((judge) => turns.has(judge));
  const rows = [...turns].map(([name, own]) => {
    const of = (value: (turn: Turn) => number) => median(own.map(value));
    return [
      of(({ upstreamUs }) => upstreamUs) > ASKED_UPSTREAM_US
        ? `${titles[name] ?? TITLES[name]} (it asked its upstream too)`
        : (titles[name] ?? TITLES[name]),
      of(({ userUs }) => userUs).toFixed(2),
      of(({ systemUs }) => systemUs).toFixed(2),
      `**${of(total).toFixed(2)}**`,
      ...judges.map((judge) => ratio(own, turns.get(judge) ?? [], total)),
      Math.round(of(({ queriesPerSecond }) => queriesPerSecond)).toLocaleString('en'),
      Math.round(of(({ latencyUs }) => latencyUs)).toString(),
      `${(of(({ lost }) => lost) * 100).toFixed(2)} %`,
      Math.round(of(({ answerSize }) => answerSize)).toString(),
      Math.round(of(({ memoryOctets }) => memoryOctets) / 2 ** 20).toString(),
    ];
  });
  const against = judges.map((judge) => `× ${JUDGE_TITLES[judge] ?? judge}`);
  return table(
    ['server', 'user', 'system', 'CPU µs/query', ...against, 'queries/s', 'latency µs', 'lost', 'answer B', 'MB'],
    rows,
  );
}

/** How our CPU per query compares with what it shall be at most, one line each. */
export function verdicts(turns: Turns<Turn>, most: Partial<Record<ServerName, number>>): readonly string[] {
  const own = turns.get('batched') ?? [];
  return Object.entries(most).flatMap(([name, limit]) => {
    const judge = turns.get(name as ServerName);
    if (judge === undefined || own.length === 0) return [];
    const measured = ratio(own, judge, total);
    return [
      `${measured} × ${name}, at most ${limit.toFixed(2)}: ${Number(measured) <= limit ? 'holds' : 'does not hold'}`,
    ];
  });
}

export function latencyTable(turns: Turns<Latency>): string {
  const knot = turns.get('knot') ?? [];
  const rows = [...turns].map(([name, own]) => {
    const of = (value: (latency: Latency) => number) => median(own.map(value)).toFixed(1);
    return [
      TITLES[name],
      of(({ average }) => average),
      ratio(own, knot, ({ average }) => average),
      of(({ p50 }) => p50),
      of(({ p99 }) => p99),
      ratio(own, knot, ({ p99 }) => p99),
      of(({ p999 }) => p999),
      own.reduce((sum, { lost }) => sum + lost, 0).toString(),
      of(({ latePercent }) => latePercent),
    ];
  });
  return table(['server', 'average µs', '× Knot', 'p50', 'p99', '× Knot (p99)', 'p99.9', 'lost', 'sent late %'], rows);
}

/** @param shares of a core, percent */
export function idleTable(shares: ReadonlyMap<ServerName, number>): string {
  return table(
    ['server', '% of a core'],
    [...shares].map(([name, share]) => [TITLES[name], share.toFixed(2)]),
  );
}

/** The median of the rounds' ratios: what disturbs a round disturbs both servers alike. */
function ratio<T>(own: readonly T[], judge: readonly T[], value: (turn: T) => number): string {
  const each = own.flatMap((turn, round) => {
    const other = judge[round];
    return other === undefined ? [] : [value(turn) / value(other)];
  });
  return each.length === 0 ? '–' : median(each).toFixed(2);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const upper = sorted[half] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? Number.NaN) + upper) / 2;
}

/** In Markdown; all columns but the first one are figures. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const rule = head.map((_, column) => (column === 0 ? '---' : '---:'));
  return [head, rule, ...rows].map(line).join('\n');
}
