// What a drill has found, and the table that shows it.

export interface Finding {
  readonly what: string;
  readonly limit: string;
  readonly measured: string;
  readonly holds: boolean;
}

export function atMost(what: string, measured: number, limit: number, unit = ''): Finding {
  const text = (value: number) => `${Number.isInteger(value) ? value : value.toFixed(1)}${unit}`;
  return { what, limit: `≤ ${text(limit)}`, measured: text(measured), holds: measured <= limit };
}

/** As Markdown, to be pasted into the README. */
export function findingsTable(findings: readonly Finding[]): string {
  const rows = findings.map(
    ({ what, limit, measured, holds }) => `| ${what} | ${limit} | ${measured} | ${holds ? 'yes' : '**no**'} |`,
  );
  return ['| what | limit | measured | holds |', '| --- | --- | --- | --- |', ...rows].join('\n');
}
