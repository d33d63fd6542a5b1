// Collects records into a RecordSet: each name, type and value once.

import { foldCase } from '../dns/name.ts';
import type { AddressSet } from './addresses.ts';
import type { RecordSet } from './record-set.ts';
import { AddressLists, ServiceLists } from './value-lists.ts';

export type RecordType = 'A' | 'AAAA' | 'SRV';

/** A record set that whoever had it built may change. */
export interface OwnedRecords extends RecordSet {
  readonly as: Map<string, readonly string[]>;
  readonly aaaas: Map<string, readonly string[]>;
  readonly srvs: Map<string, readonly string[]>;
}

/** Where derived records go. */
export interface RecordSink {
  /** @returns false where the record was there before, or has no value. */
  add(type: RecordType, name: string, value: string): boolean;
  /**
   * Adds the A and AAAA records of a name.
   *
   * @returns whether the name had none of either before, and has some now.
   */
  addAddresses(name: string, addresses: AddressSet): boolean;
  /**
   * Adds the SRV record `target`, `host.:port`, under each of some names.
   *
   * @param names distinct; the same array for the same names.
   * @param isNew whether the target is surely new to all of them.
   */
  addServices(names: readonly string[], target: string, isNew: boolean): void;
}

export class ZoneBuilder implements RecordSink {
  private readonly as: AddressLists;
  private readonly aaaas: AddressLists;
  private readonly srvs: ServiceLists;
  /** Whether any name may have IPv6 addresses alone. */
  private hasOnlyIPv6 = false;
  private readonly aliases = new Map<string, string[]>();
  /** Null once an address has two names. */
  private readonly ptrs = new Map<string, string | null>();

  /** @param repeated told of every record that was there before. */
  constructor(repeated: ((type: RecordType, name: string, value: string) => void) | null = null) {
    const of = (type: RecordType) =>
      repeated === null ? null : (name: string, value: string) => repeated(type, name, value);
    this.as = new AddressLists(of('A'));
    this.aaaas = new AddressLists(of('AAAA'));
    this.srvs = new ServiceLists(of('SRV'));
  }

  add(type: RecordType, name: string, value: string): boolean {
    if (value === '') return false;
    if (type === 'AAAA') this.hasOnlyIPv6 = true;
    const lists = type === 'SRV' ? this.srvs : type === 'A' ? this.as : this.aaaas;
    return lists.add(name, value);
  }

  /** Whether a name has records of a type. */
  has(type: RecordType, name: string): boolean {
    const lists = type === 'SRV' ? this.srvs : type === 'A' ? this.as : this.aaaas;
    return lists.map.has(name);
  }

  addAddresses(name: string, { ipv4, ipv6 }: AddressSet): boolean {
    const isKnown = this.as.addAll(name, ipv4);
    // Most names have no IPv6 address, and are known after the first time: then there is nothing to look up.
    if (ipv6.length > 0) {
      this.hasOnlyIPv6 ||= ipv4.length === 0;
      return !this.aaaas.addAll(name, ipv6) && !isKnown;
    }
    return !isKnown && ipv4.length > 0 && !(this.hasOnlyIPv6 && this.aaaas.map.has(name));
  }

  addServices(names: readonly string[], target: string, isNew: boolean): void {
    this.srvs.addToAll(names, target, isNew);
  }

  /** Makes `alias` answer like `name`, which may get its records later or never. */
  addAlias(alias: string, name: string): void {
    const names = this.aliases.get(alias);
    if (names === undefined) this.aliases.set(alias, [name]);
    else if (!names.includes(name)) names.push(name);
  }

  /** Gives an address a name. An address that gets a second one has no PTR record. */
  addPtr(reverseName: string, name: string): void {
    const known = this.ptrs.get(reverseName);
    if (known === undefined) this.ptrs.set(reverseName, name);
    else if (known !== name) this.ptrs.set(reverseName, null);
  }

  finish(): OwnedRecords {
    const ptrs = new Map<string, string>();
    for (const [reverseName, name] of this.ptrs) if (name !== null) ptrs.set(reverseName, name);
    return {
      as: this.as.finish(),
      aaaas: this.aaaas.finish(),
      srvs: this.srvs.map as Map<string, readonly string[]>,
      ptrs,
      aliases: this.finishAliases(),
    };
  }

  /**
   * An alias never changes a name that has records of its own (the original derives discovery names with their dots, too),
   * whatever its spelling, and answers for names that exist only.
   */
  private finishAliases(): Map<string, string[]> {
    const finished = new Map<string, string[]>();
    if (this.aliases.size === 0) return finished;
    const maps = [this.as.map, this.aaaas.map, this.srvs.map];
    const exists = (name: string) => maps.some((map) => map.has(name));
    const respelled = new Set<string>();
    for (const map of maps) {
      for (const name of map.keys()) {
        const folded = foldCase(name);
        if (folded !== name) respelled.add(folded);
      }
    }
    for (const [alias, names] of this.aliases) {
      if (exists(alias) || respelled.has(alias)) continue;
      const existing = names.filter(exists);
      if (existing.length > 0) finished.set(alias, existing);
    }
    return finished;
  }
}
