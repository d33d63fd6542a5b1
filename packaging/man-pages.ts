// The manual pages: mesos-dns(8) from its text and the program's own help, mesos-dns.json(5) from the table of keys.

import { helpText } from '../src/cli.ts';
import { expectationOf, type Key } from '../src/config/key.ts';
import { groupEntries } from '../src/config/schema.ts';
import { fileText } from './files.ts';

export interface Edition {
  readonly version: string;
  readonly date: Date;
}

/** mesos-dns(8) */
export function programPage(edition: Edition): string {
  const help = helpText().split('\n').slice(2).join('\n').trimEnd();
  return fileText('files/mesos-dns.8', {
    DATE: dayOf(edition),
    VERSION: edition.version,
    HELP: lines(help),
  });
}

/** mesos-dns.json(5) */
export function configurationPage(edition: Edition): string {
  const sections = groupEntries().flatMap(([title, keys]) => [
    `.SS ${lines(title)}`,
    ...keys.flatMap(([name, key]) => entry(name, key)),
  ]);
  return `${[
    `.TH MESOS-DNS.JSON 5 "${dayOf(edition)}" "mesos-dns ${edition.version}" "File formats"`,
    '.ad l',
    '.nh',
    '.SH NAME',
    'mesos-dns.json \\- configuration of mesos-dns',
    '.SH SYNOPSIS',
    '.I /etc/mesos-dns/config.json',
    '.SH DESCRIPTION',
    'One object of JSON. Every key may be left out; a key that is not known is warned about.',
    '.B mesos-dns \\-check\\-config',
    'says what is wrong with a file.',
    '.SH KEYS',
    ...sections,
    '.SH SEE ALSO',
    '.BR mesos-dns (8)',
  ].join('\n')}\n`;
}

function entry(name: string, key: Key): readonly string[] {
  const old = (key.aliases ?? []).map((alias) => `; formerly \\fB${words(alias)}\\fP`).join('');
  return [
    '.TP',
    `\\fB${words(name)}\\fP (${words(expectationOf(key).replaceAll('`', ''))}; default ${words(JSON.stringify(key.default))}${old})`,
    markdown(key.doc),
  ];
}

/** Code and links are all the Markdown that the table of keys uses. */
function markdown(text: string): string {
  const plain = text.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1');
  const parts = plain.split('`').map((part, index) => (index % 2 === 1 ? `\\fB${words(part)}\\fP` : words(part)));
  return guarded(parts.join(''));
}

function lines(text: string): string {
  return text
    .split('\n')
    .map((line) => guarded(words(line)))
    .join('\n');
}

function words(text: string): string {
  // Long lists may be broken behind a comma.
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll(/,(?=\S)/g, ',\\:');
}

/** A line that begins with a point or an apostrophe would be a request. */
function guarded(line: string): string {
  return /^[.']/.test(line) ? `\\&${line}` : line;
}

function dayOf({ date }: Edition): string {
  return date.toISOString().slice(0, 10);
}
