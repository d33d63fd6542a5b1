// Writes the configuration reference of the README from the table of keys.

import { expectationOf, type Key } from './key.ts';
import { groupEntries } from './schema.ts';

/** One Markdown table per group, in the order of the table of keys. Ends without a line break. */
export function renderReference(): string {
  return groupEntries()
    .map(([title, keys]) => {
      const rows = keys.map(
        ([name, key]) => `| ${nameCell(name, key)} | ${typeCell(key)} | ${defaultCell(key)} | ${cell(key.doc)} |`,
      );
      return [`**${title}**`, '', '| key | value | default | meaning |', '| --- | --- | --- | --- |', ...rows].join(
        '\n',
      );
    })
    .join('\n\n');
}

function nameCell(name: string, key: Key): string {
  const old = (key.aliases ?? []).map((alias) => `\`${alias}\``);
  return old.length === 0 ? `\`${name}\`` : `\`${name}\`, formerly ${old.join(', ')}`;
}

function typeCell(key: Key): string {
  return cell(expectationOf(key));
}

function defaultCell(key: Key): string {
  const value = JSON.stringify(key.type === 'list' && key.orString ? key.default[0] : key.default);
  return `\`${cell(value)}\``;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
