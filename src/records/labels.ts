// From the names that people give to tasks and frameworks to DNS labels, letter by letter as Mesos-DNS 0.7 does it.

import { hash } from 'node:crypto';

/** What a label may look like. */
export interface LabelRule {
  readonly maxLength: number;
  /** What may not stand at the beginning. */
  readonly leading: RegExp;
}

/** RFC 1123 section 2.1: letters, digits and inner dashes, up to 63. */
export const RFC1123: LabelRule = { maxLength: 63, leading: /^-+/ };

/** RFC 952: the same, up to 24, and a letter first. */
export const RFC952: LabelRule = { maxLength: 24, leading: /^[-0-9]+/ };

/**
 * Makes one label of a name; '' where nothing usable is in it. Letters become lower case, `.` and `_` become dashes, other
 * characters vanish. Dashes at the ends go; where the cut at the maximal length falls on dashes, these are skipped and the
 * label is filled up with what follows them (and only then may it end in a dash: deployed names depend on it).
 */
export function label(name: string, rule: LabelRule): string {
  const usable = usableCharacters(name).replace(rule.leading, '');
  const head = trimEnd(usable.slice(0, rule.maxLength));
  if (head.length === Math.min(usable.length, rule.maxLength)) return head;
  const tail = usable.slice(rule.maxLength).replace(/^-+/, '');
  return head + tail.slice(0, rule.maxLength - head.length);
}

/** Makes labels of the parts between dots, and drops empty ones: `kafka.prod` stays two labels. */
export function domainFragment(name: string, rule: LabelRule): string {
  if (!name.includes('.')) return label(name, rule);
  return name
    .split('.')
    .map((part) => label(part, rule))
    .filter((part) => part !== '')
    .join('.');
}

const Z_BASE_32 = 'ybndrfg8ejkmcpqxot1uwisza345h769';
/** Two characters for each ten bits. */
const PAIRS = Array.from({ length: 1024 }, (_, bits) => `${Z_BASE_32[bits >>> 5]}${Z_BASE_32[bits & 31]}`);

/** Five characters that tell tasks of the same name apart: the first 25 bits of the SHA-1 of the task's id, in z-base-32. */
export function taskHash(taskId: string): string {
  // Seven hexadecimal digits are 28 bits.
  const bits = Number.parseInt(hash('sha1', taskId, 'hex').slice(0, 7), 16) >>> 3;
  return `${PAIRS[bits >>> 15]}${PAIRS[(bits >>> 5) & 1023]}${Z_BASE_32[bits & 31]}`;
}

/** What follows the last dash of an agent's id, in lower case: `…-S12` gives `s12`. */
export function agentTail(agentId: string): string {
  return lowerCase(agentId.slice(agentId.lastIndexOf('-') + 1));
}

/** Lower case character by character (Go's `strings.ToLower`): no special case depends on a character's neighbours. */
function lowerCase(text: string): string {
  if (/^[\0-\x7f]*$/.test(text)) return text.toLowerCase();
  return Array.from(text, (character) => {
    const [first = ''] = character.toLowerCase();
    return first;
  }).join('');
}

function usableCharacters(name: string): string {
  if (/^[a-z0-9-]*$/.test(name)) return name;
  let usable = '';
  for (let i = 0; i < name.length; i++) {
    const unit = name.charCodeAt(i);
    if ((unit >= 0x61 && unit <= 0x7a) || (unit >= 0x30 && unit <= 0x39)) usable += name[i];
    else if (unit >= 0x41 && unit <= 0x5a) usable += String.fromCharCode(unit + 0x20);
    else if (unit === 0x2d || unit === 0x2e || unit === 0x5f) usable += '-';
  }
  return usable;
}

function trimEnd(text: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === '-') end--;
  return text.slice(0, end);
}
