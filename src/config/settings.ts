// From JSON to typed values: matches keys without regard to case, checks types and ranges, warns about unknown keys.

import { type Json, type JsonMember, JsonObject } from './json.ts';
import { expectationOf, type Key, type ListKey, oneOf } from './key.ts';
import { describe, type Problems, quote } from './problems.ts';
import { defaultSettings, IGNORED_KEYS, KEYS, type KeyName, keyEntries, type Settings } from './schema.ts';
import { nearest } from './suggest.ts';

export interface ReadSettings {
  readonly settings: Settings;
  /** Keys that the file sets, usable or not. A key set to null counts as not set, as in the original. */
  readonly given: ReadonlySet<KeyName>;
  /** Keys whose value was refused; `settings` holds their default, which further checks should not look at. */
  readonly refused: ReadonlySet<KeyName>;
}

/** Reads the file's object. Everything wrong goes to `problems`; the result is complete nevertheless. */
export function readSettings(root: JsonObject, problems: Problems): ReadSettings {
  const chosen = chooseMembers(root, problems);
  const values: Record<string, unknown> = { ...defaultSettings() };
  const refused = new Set<KeyName>();
  for (const [name, member] of chosen) {
    const value = readValue(name, KEYS[name], member.value, problems);
    if (value === undefined) refused.add(name);
    else values[name] = value;
  }
  return { settings: values as unknown as Settings, given: new Set(chosen.keys()), refused };
}

interface Spelling {
  readonly name: KeyName;
  readonly isAlias: boolean;
}

const SPELLINGS: ReadonlyMap<string, Spelling> = new Map(
  keyEntries().flatMap(([name, key]): [string, Spelling][] => [
    [name.toLowerCase(), { name, isAlias: false }],
    ...(key.aliases ?? []).map((alias): [string, Spelling] => [alias.toLowerCase(), { name, isAlias: true }]),
  ]),
);

const KNOWN_WORDS = keyEntries().flatMap(([name, key]) => [name, ...(key.aliases ?? [])]);

const IGNORED: ReadonlyMap<string, string> = new Map(
  Object.entries(IGNORED_KEYS).map(([name, reason]) => [name.toLowerCase(), reason]),
);

/** The member that counts for each key: the last one, as in the original, and a present name before a former one. */
function chooseMembers(root: JsonObject, problems: Problems): ReadonlyMap<KeyName, JsonMember> {
  const chosen = new Map<KeyName, JsonMember & { readonly isAlias: boolean }>();
  for (const member of root.members) {
    const spelling = SPELLINGS.get(member.key.toLowerCase());
    if (spelling === undefined) {
      warnUnknown(member, problems);
      continue;
    }
    if (member.value === null) continue;
    const { name, isAlias } = spelling;
    const rival = chosen.get(name);
    const mine = { ...member, isAlias };
    if (rival === undefined) {
      chosen.set(name, mine);
      continue;
    }
    const [winner, loser] = isAlias && !rival.isAlias ? [rival, mine] : [mine, rival];
    chosen.set(name, winner);
    problems.warn(
      loser.key,
      loser.isAlias === winner.isAlias
        ? `the value in line ${loser.line} is not used, because ${winner.key} stands again in line ${winner.line}`
        : `not used, because ${winner.key} (its present name) stands there too`,
    );
  }
  return chosen;
}

function warnUnknown(member: JsonMember, problems: Problems): void {
  const reason = IGNORED.get(member.key.toLowerCase());
  if (reason !== undefined) {
    problems.warn(member.key, `has no effect: ${reason}`);
    return;
  }
  const meant = nearest(member.key, KNOWN_WORDS);
  // The key is shown, its value is not: it may be a password.
  const shown = quote(member.key);
  problems.warn(
    shown,
    `unknown key in line ${member.line}, ignored${meant === undefined ? '' : `; did you mean ${meant}?`}`,
  );
}

/** undefined, and a problem, where the value does not fit. */
function readValue(name: string, key: Key, value: Json, problems: Problems): unknown {
  switch (key.type) {
    case 'integer':
      // 60.0 and 6e1 are the integer 60: JSON has one kind of number. "60" is not.
      if (typeof value !== 'number' || !Number.isInteger(value) || value < key.min || value > key.max) break;
      return value + 0;
    case 'boolean':
      if (typeof value !== 'boolean') break;
      return value;
    case 'string':
      if (typeof value !== 'string' || (key.oneOf !== undefined && !key.oneOf.includes(value))) break;
      if (key.maxBytes !== undefined && Buffer.byteLength(value) > key.maxBytes) break;
      return value;
    case 'list':
      return readList(name, key, value, problems);
    case 'zones':
      return readZones(name, key, value, problems);
    case 'credentials':
      return readCredentials(name, key, value, problems);
  }
  const isSecret = key.type === 'string' && key.secret === true;
  problems.refuse(name, expectationOf(key), isSecret ? describe(value) : quote(value));
  return undefined;
}

function readList(name: string, key: ListKey, value: Json, problems: Problems): readonly string[] | undefined {
  if (typeof value === 'string' && key.orString) return [value];
  if (!Array.isArray(value)) {
    const inBrackets = typeof value === 'string' ? ' in brackets' : '';
    problems.refuse(name, `${expectationOf(key)}${inBrackets}`, key.secret ? describe(value) : quote(value));
    return undefined;
  }
  const allowed = (item: Json): item is string =>
    typeof item === 'string' && (key.oneOf === undefined || key.oneOf.includes(item));
  const shown = key.secret ? describe : quote;
  return eachOf(name, value, allowed, key.oneOf === undefined ? 'a string' : oneOf(key.oneOf), problems, shown);
}

function readZones(
  name: string,
  key: Key,
  value: Json,
  problems: Problems,
): Readonly<Record<string, readonly string[]>> | undefined {
  if (!(value instanceof JsonObject)) {
    problems.refuse(name, expectationOf(key), quote(value));
    return undefined;
  }
  const zones = new Map<string, readonly string[]>();
  let usable = true;
  for (const member of value.members) {
    const where = `${name}[${quote(member.key)}]`;
    const zone = member.key.toLowerCase();
    const isString = (item: Json): item is string => typeof item === 'string';
    const servers = Array.isArray(member.value)
      ? eachOf(where, member.value, isString, 'a string', problems)
      : undefined;
    if (!Array.isArray(member.value)) problems.refuse(where, 'a list of strings', quote(member.value));
    if (zones.has(zone)) problems.refuse(where, 'each zone once', 'it twice');
    if (servers === undefined || zones.has(zone)) usable = false;
    else zones.set(zone, servers);
  }
  return usable ? Object.fromEntries(zones) : undefined;
}

function readCredentials(
  name: string,
  key: Key,
  value: Json,
  problems: Problems,
): { readonly principal: string; readonly secret: string } | undefined {
  if (!(value instanceof JsonObject)) {
    problems.refuse(name, expectationOf(key), describe(value));
    return undefined;
  }
  const credentials = { principal: '', secret: '' };
  let usable = true;
  for (const member of value.members) {
    const field = member.key.toLowerCase();
    if (field !== 'principal' && field !== 'secret') {
      problems.warn(name, `unknown member ${quote(member.key)}, ignored; expected "principal" and "secret"`);
    } else if (typeof member.value === 'string') {
      credentials[field] = member.value;
    } else if (member.value !== null) {
      problems.refuse(`${name}.${field}`, 'a string', describe(member.value));
      usable = false;
    }
  }
  return usable ? credentials : undefined;
}

function eachOf(
  where: string,
  list: readonly Json[],
  fits: (item: Json) => item is string,
  expected: string,
  problems: Problems,
  shown: (item: Json) => string = quote,
): readonly string[] | undefined {
  const unfit = list.flatMap((item, index) => (fits(item) ? [] : [{ item, index }]));
  for (const { item, index } of unfit) problems.refuse(`${where}[${index}]`, expected, shown(item));
  return unfit.length === 0 ? list.filter(fits) : undefined;
}
