// Every key of the configuration file, once: name, type, default, range and meaning. Loading, the suggestions for
// mistyped keys and the README's reference are all derived from this table.

import type { BooleanKey, IntegerKey, Key, KeyTable, ListKey, TextKey, ZonesKey } from './key.ts';
import { DNS_KEYS } from './keys/dns.ts';
import { FORWARDING_KEYS } from './keys/forwarding.ts';
import { HTTP_KEYS } from './keys/http.ts';
import { LOGS_KEYS } from './keys/logs.ts';
import { MASTERS_KEYS } from './keys/masters.ts';
import { SAFETY_KEYS } from './keys/safety.ts';
import { ZONE_KEYS } from './keys/zone.ts';

/** In the order in which references list them. */
const GROUPS: Readonly<Record<string, KeyTable>> = {
  'Finding and asking the masters': MASTERS_KEYS,
  'The zone': ZONE_KEYS,
  'Keeping the zone good': SAFETY_KEYS,
  'Serving DNS': DNS_KEYS,
  Forwarding: FORWARDING_KEYS,
  'Serving HTTP': HTTP_KEYS,
  Logs: LOGS_KEYS,
};

export const KEYS = {
  ...MASTERS_KEYS,
  ...ZONE_KEYS,
  ...SAFETY_KEYS,
  ...DNS_KEYS,
  ...FORWARDING_KEYS,
  ...HTTP_KEYS,
  ...LOGS_KEYS,
};

export type KeyName = keyof typeof KEYS;

export type KeyEntry = readonly [KeyName, Key];

type ValueOf<K extends Key> = K extends IntegerKey
  ? number
  : K extends BooleanKey
    ? boolean
    : K extends TextKey
      ? string
      : K extends ListKey
        ? readonly string[]
        : K extends ZonesKey
          ? Readonly<Record<string, readonly string[]>>
          : { readonly principal: string; readonly secret: string };

/** The values of one file: of the right type and in range, not yet checked against each other. */
export type Settings = { readonly [Name in KeyName]: ValueOf<(typeof KEYS)[Name]> };

/** Keys of older releases and of samples in circulation that have no effect any more, with the reason to give. */
export const IGNORED_KEYS: Readonly<Record<string, string>> = {
  SOASerial: 'the serial follows the content of the zone',
  File: 'the file is named on the command line',
  ns: 'the name of the server is SOAMname',
};

/** The table as rows, for code that walks over it. */
export function keyEntries(): readonly KeyEntry[] {
  return Object.entries(KEYS) as [KeyName, Key][];
}

/** The rows by what they are about, each under its title. */
export function groupEntries(): readonly (readonly [string, readonly KeyEntry[]])[] {
  return Object.entries(GROUPS).map(([title, keys]) => [title, Object.entries(keys) as [KeyName, Key][]]);
}

/** The values of a file that sets nothing. */
export function defaultSettings(): Settings {
  return Object.fromEntries(keyEntries().map(([name, key]) => [name, key.default])) as Settings;
}
