// What two record sets say differently, whatever the order in which they say it.

import { foldCase } from '../dns/name.ts';
import { sameValues } from './counted-values.ts';
import type { RecordMap, RecordSet } from './record-set.ts';

export interface RecordChanges {
  /**
   * Owner names whose answers differ: their own records, those of a name that they are an alias of, or the addresses of
   * a target of their SRV records.
   */
  readonly names: ReadonlySet<string>;
  /** Reverse names whose PTR record differs. */
  readonly pointers: ReadonlySet<string>;
}

/** Null where both say the same. */
export function changesBetween(before: RecordSet, after: RecordSet): RecordChanges | null {
  const names = new Set<string>();
  collect(before.as, after.as, names);
  collect(before.aaaas, after.aaaas, names);
  const hosts = new Set([...names].map(foldCase));
  collect(before.srvs, after.srvs, names);
  if (hosts.size > 0) collectNaming(after.srvs, hosts, names);
  collectAliases(before.aliases, after.aliases, names);
  const pointers = new Set<string>();
  for (const [name, target] of before.ptrs) if (after.ptrs.get(name) !== target) pointers.add(name);
  for (const name of after.ptrs.keys()) if (!before.ptrs.has(name)) pointers.add(name);
  return names.size === 0 && pointers.size === 0 ? null : { names, pointers };
}

/** Adds the names whose values differ. */
function collect(before: RecordMap, after: RecordMap, names: Set<string>): void {
  for (const [name, values] of before) {
    const others = after.get(name);
    if (others === undefined || !sameValues(values, others)) names.add(name);
  }
  if (after.size === before.size && names.size === 0) return;
  for (const name of after.keys()) if (!before.has(name)) names.add(name);
}

/** Adds the names with an SRV record whose target is one of some hosts, which are folded. */
function collectNaming(srvs: RecordMap, hosts: ReadonlySet<string>, names: Set<string>): void {
  // Many names share one list.
  const known = new Map<readonly string[], boolean>();
  for (const [name, values] of srvs) {
    let isNaming = known.get(values);
    if (isNaming === undefined) {
      isNaming = values.some((value) => hosts.has(foldCase(value.slice(0, value.lastIndexOf(':')))));
      known.set(values, isNaming);
    }
    if (isNaming) names.add(name);
  }
}

/** Adds the aliases that are others than before, or of names whose answers differ. */
function collectAliases(before: RecordMap, after: RecordMap, names: Set<string>): void {
  const folded = new Set([...names].map(foldCase));
  for (const [alias, targets] of after) {
    const others = before.get(alias);
    const isSame = others !== undefined && sameValues(targets, others);
    if (!isSame || targets.some((target) => folded.has(foldCase(target)))) names.add(alias);
  }
  for (const alias of before.keys()) if (!after.has(alias)) names.add(alias);
}

/** Owner names that have records, without aliases and reverse names. */
export function nameCount({ as, aaaas, srvs }: RecordSet): number {
  let count = as.size + srvs.size;
  for (const name of aaaas.keys()) if (!as.has(name)) count += 1;
  return count;
}

/** How many owner names have lost all their records. */
export function namesLost({ names }: RecordChanges, before: RecordSet, after: RecordSet): number {
  let count = 0;
  for (const name of names) if (hasRecords(before, name) && !hasRecords(after, name)) count += 1;
  return count;
}

function hasRecords({ as, aaaas, srvs }: RecordSet, name: string): boolean {
  return as.has(name) || aaaas.has(name) || srvs.has(name);
}

/** A copy in which some names have what they had before: undefined or an empty list for nothing. */
export function reverted<V extends string | readonly string[]>(
  map: ReadonlyMap<string, V>,
  before: ReadonlyMap<string, V | undefined>,
): Map<string, V> {
  const copy = new Map(map);
  for (const [name, value] of before) {
    if (value === undefined || value.length === 0) copy.delete(name);
    else copy.set(name, value);
  }
  return copy;
}
