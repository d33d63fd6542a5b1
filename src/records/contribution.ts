// Records as they come, to be added to a zone or taken back again.

import type { AddressSet } from './addresses.ts';
import type { RecordSink, RecordType } from './zone-builder.ts';

/** The records that one task yields, repetitions included. */
export class Contribution implements RecordSink {
  readonly values: { readonly type: RecordType; readonly name: string; readonly value: string }[] = [];
  readonly addresses: { readonly name: string; readonly set: AddressSet }[] = [];
  readonly services: { readonly names: readonly string[]; readonly target: string }[] = [];
  readonly pointers: { readonly reverseName: string; readonly name: string }[] = [];

  add(type: RecordType, name: string, value: string): boolean {
    if (value !== '') this.values.push({ type, name, value });
    return false;
  }

  addAddresses(name: string, set: AddressSet): boolean {
    this.addresses.push({ name, set });
    // Whether they are new is not known here.
    return false;
  }

  addServices(names: readonly string[], target: string): void {
    this.services.push({ names, target });
  }
}

/** Values and how often each came, by type and name: the records of the cluster itself, of which few change at a time. */
export class ValueCounts implements RecordSink {
  readonly A = new Map<string, Map<string, number>>();
  readonly AAAA = new Map<string, Map<string, number>>();
  readonly SRV = new Map<string, Map<string, number>>();

  add(type: RecordType, name: string, value: string): boolean {
    if (value === '') return false;
    const byName = this[type];
    let counts = byName.get(name);
    if (counts === undefined) {
      counts = new Map();
      byName.set(name, counts);
    }
    const count = counts.get(value) ?? 0;
    counts.set(value, count + 1);
    return count === 0;
  }

  addAddresses(name: string, { ipv4, ipv6 }: AddressSet): boolean {
    for (const value of ipv4) this.add('A', name, value);
    for (const value of ipv6) this.add('AAAA', name, value);
    return false;
  }

  addServices(names: readonly string[], target: string): void {
    for (const name of names) this.add('SRV', name, target);
  }
}
