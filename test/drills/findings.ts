// What a drill has found, and the table that shows it.

/** Exit code of a drill in which everything is right, but not as quick or as small as it has to be. */
export const ONLY_FIGURES = 3;

export interface Finding {
  readonly what: string;
  readonly limit: string;
  readonly measured: string;
  readonly holds: boolean;
  /** A time or a size, which a machine that has other work spoils: another run may show that it holds. */
  readonly isFigure?: boolean;
}

export function atMost(what: string, measured: number, limit: number, unit = ''): Finding {
  const text = (value: number) => textOf(value, unit);
  return { what, limit: `≤ ${text(limit)}`, measured: text(measured), holds: measured <= limit };
}

/** @param slack so many times the limit holds as well, on a machine that has other work */
export function within(what: string, ms: number, limitMs: number, slack: number): Finding {
  const times = slack === 1 ? '' : ` × ${slack} for other work`;
  const limit = `≤ ${textOf(limitMs, ' ms')}${times}`;
  return { what, limit, measured: textOf(ms, ' ms'), holds: ms <= limitMs * slack, isFigure: true };
}

function textOf(value: number, unit: string): string {
  return `${Number.isInteger(value) ? value : value.toFixed(1)}${unit}`;
}

/** For the process: 0 where all holds, 3 where nothing but figures does not, else 1. */
export function exitCodeOf(findings: readonly Finding[]): number {
  const broken = findings.filter(({ holds }) => !holds);
  if (broken.length === 0) return 0;
  return broken.every(({ isFigure }) => isFigure === true) ? ONLY_FIGURES : 1;
}

/** As Markdown, to be pasted into the README. */
export function findingsTable(findings: readonly Finding[]): string {
  const rows = findings.map(
    ({ what, limit, measured, holds }) => `| ${what} | ${limit} | ${measured} | ${holds ? 'yes' : '**no**'} |`,
  );
  return ['| what | limit | measured | holds |', '| --- | --- | --- | --- |', ...rows].join('\n');
}
