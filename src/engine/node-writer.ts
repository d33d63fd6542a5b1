// One owner name with its RRsets, as text, to a node and its bodies in the heap.

import { CLASS_IN, MAX_NAME_SIZE, TYPE_A, TYPE_AAAA, TYPE_NS, TYPE_PTR, TYPE_SOA, TYPE_SRV } from '../dns/constants.ts';
import { NOT_IPV4, parseIPv4, writeIPv6 } from '../dns/ip-text.ts';
import { encodeName, foldCase, UNWRITABLE, wireSize, writeName } from '../dns/name.ts';
import {
  A_RECORD_SIZE,
  AAAA_RECORD_SIZE,
  BODY_DIRECTORY,
  BODY_TARGET_COUNT,
  ENTRY_RECORD,
  ENTRY_RECORD_SIZE,
  ENTRY_SIZE,
  ENTRY_TARGET,
  NO_TARGET,
  NODE_EXTENT,
  NODE_FLAG_APEX,
  NODE_FLAGS,
  NODE_NAME_PADDING,
  NODE_NAME_SIZE,
  NODE_RRSET_COUNT,
  NODE_RRSETS,
  RECORD_FIXED_SIZE,
  RRSET_BODY,
  RRSET_COUNT,
  RRSET_COUNT_MAX,
  RRSET_SIZE,
  RRSET_TYPE,
  TARGET_A_COUNT,
  TARGET_AAAA_COUNT,
  TARGET_ADDRESSES,
  TARGET_SIZE,
} from './contract.ts';
import type { Heap } from './heap.ts';
import { LeftOut } from './left-out.ts';
import type { NameList } from './name-list.ts';
import type { NameRecords } from './name-walk.ts';
import { ServiceList } from './service-list.ts';
import type { ServiceWriter } from './service-writer.ts';
import { type Body, SharedBodies } from './shared-bodies.ts';
import type { Soa } from './table-input.ts';
import { cleanIPv4s, cleanIPv6s, type ZoneView } from './zone-view.ts';

export interface NodeWriterOptions {
  readonly heap: Heap;
  readonly zone: ZoneView;
  /** Folded, with its final dot. */
  readonly domain: string;
  readonly ttl: number;
  readonly srvWeight: number;
}

const SRV_FIXED_SIZE = 6;
/** The serial and what follows it. */
const SOA_TIMES_SIZE = 20;
const NO_BODY: Body = { address: 0, count: 0, size: 0 };
export class NodeWriter {
  readonly #options: NodeWriterOptions;
  readonly #heap: Heap;
  #soa: Soa;
  #apexSoa = 0;
  readonly #srvBodies: SharedBodies;
  readonly #aBodies: SharedBodies;
  readonly #aaaaBodies: SharedBodies;
  /** Where the body of a single IPv4 address is: all tasks on an agent's network have the same one. */
  readonly #ofAddress = new Map<number, number>();
  readonly #services: ServiceList;
  /** The present name as it is on the wire. */
  readonly #name = new Uint8Array(MAX_NAME_SIZE);
  /** Of the present name; arrays that were emptied would take their memory anew for each name. */
  readonly #types: number[] = [];
  readonly #bodies: Body[] = [];
  #rrsetCount = 0;
  /** Octets taken for the present node and the bodies that are its own. */
  #extent = 0;
  /** Writes most bodies of SRV RRsets while it is here. */
  services: ServiceWriter | null = null;
  readonly leftOut = new LeftOut();

  constructor(options: NodeWriterOptions, soa: Soa) {
    this.#options = options;
    this.#heap = options.heap;
    this.#soa = soa;
    this.#services = new ServiceList(options.zone);
    const { hasAliases } = options.zone;
    this.#srvBodies = new SharedBodies(hasAliases);
    this.#aBodies = new SharedBodies(hasAliases);
    this.#aaaaBodies = new SharedBodies(hasAliases);
  }

  /** Before names are written again: lists may have changed since, and the apex has another serial. */
  beginGeneration(soa: Soa): void {
    this.#soa = soa;
    this.forgetBodies();
  }

  /** No other name is written soon. */
  forgetBodies(): void {
    this.#srvBodies.clear();
    this.#aBodies.clear();
    this.#aaaaBodies.clear();
    this.#ofAddress.clear();
  }

  /**
   * Writes the node of a folded name, an empty non-terminal where it has no records.
   * @param records of the name, where they are at hand
   * @returns its address, or 0 where the name cannot be written
   */
  write(name: string, records = this.#options.zone.recordsOf(name)): number {
    const { domain } = this.#options;
    const nameSize = encodeName(this.#name, name);
    this.#begin();
    if (nameSize === UNWRITABLE) {
      for (const value of records.as) this.leftOut.noteOdd('A', name, value);
      for (const value of records.aaaas) this.leftOut.noteOdd('AAAA', name, value);
      for (const value of records.srvs) this.leftOut.noteOdd('SRV', name, value);
    } else {
      if (name === domain) this.#addApex();
      this.#addRecords(name, nameSize, records);
    }
    this.leftOut.settle(name);
    return nameSize === UNWRITABLE ? 0 : this.#finish(nameSize, 0);
  }

  /** Does the same, but for the node, which is left to the core. @returns false where the name has no records */
  writeTo(list: NameList, name: string, records: NameRecords): boolean {
    this.#begin();
    this.#addRecords(name, name.length + 1, records);
    this.leftOut.settle(name);
    if (this.#rrsetCount === 0) return false;
    list.add(name, this.#extent, this.#rrsetCount, this.#types, this.#bodies);
    return true;
  }

  /** Writes an empty non-terminal of a folded name that can be written. @returns its address */
  writeEmpty(name: string): number {
    this.#begin();
    return this.#finish(encodeName(this.#name, name), 0);
  }

  /** Writes the node of a reverse name. @returns its address, or 0 where one of the names cannot be written */
  writePointer(name: string, target: string): number {
    const nameSize = encodeName(this.#name, foldCase(name));
    if (nameSize === UNWRITABLE || wireSize(target) === UNWRITABLE) {
      this.leftOut.unwritable.set(name, [`PTR ${name} ${target}`]);
      return 0;
    }
    this.#begin();
    this.#add(TYPE_PTR, this.#writeNamed(TYPE_PTR, target, null));
    return this.#finish(nameSize, NODE_FLAG_APEX);
  }

  /** Writes the SOA record with another TTL, as negative answers have it. */
  soaRecord(ttl: number): { readonly address: number; readonly size: number } {
    const size = this.#soaSize();
    return { address: this.#writeSoa(this.#take(size), ttl), size };
  }

  /** Where the serial stands in a SOA record that begins at an address. */
  serialAt(record: number): number {
    return record + this.#soaSize() - SOA_TIMES_SIZE;
  }

  /** The SOA record of the apex. */
  get apexSoa(): number {
    return this.#apexSoa;
  }

  #begin(): void {
    this.#rrsetCount = 0;
    this.#extent = 0;
  }

  #addRecords(name: string, nameSize: number, { as, aaaas, srvs }: NameRecords): void {
    if (as.length > 0) this.#add(TYPE_A, this.#measure('A', name, nameSize, this.#writeAs(name, as)));
    if (aaaas.length > 0) this.#add(TYPE_AAAA, this.#measure('AAAA', name, nameSize, this.#writeAaaas(name, aaaas)));
    if (srvs.length > 0) this.#add(TYPE_SRV, this.#measure('SRV', name, nameSize, this.#writeServices(name, srvs)));
  }

  #add(type: number, body: Body): void {
    if (body.count === 0) return;
    this.#types[this.#rrsetCount] = type;
    this.#bodies[this.#rrsetCount] = body;
    this.#rrsetCount += 1;
  }

  #addApex(): void {
    const { ttl } = this.#options;
    const soa = this.#soa;
    const { address, body } = this.#takeEntryBody(this.#soaSize(), null);
    this.#apexSoa = this.#writeSoa(address, ttl);
    this.#add(TYPE_SOA, body);
    this.#add(TYPE_NS, this.#writeNamed(TYPE_NS, soa.mname, foldCase(soa.mname)));
  }

  // | nameSize | rrsetCount | flags | extent | rrsets … | name | padding |
  #finish(nameSize: number, flags: number): number {
    const count = this.#rrsetCount;
    const node = this.#take(NODE_RRSETS + count * RRSET_SIZE + nameSize + NODE_NAME_PADDING);
    const { fields, bytes } = this.#heap.views;
    fields.setUint16(node + NODE_NAME_SIZE, nameSize, true);
    fields.setUint16(node + NODE_RRSET_COUNT, count, true);
    fields.setUint32(node + NODE_FLAGS, flags, true);
    fields.setUint32(node + NODE_EXTENT, this.#extent, true);
    for (let i = 0; i < count; i++) {
      const rrset = node + NODE_RRSETS + i * RRSET_SIZE;
      const body = this.#bodies[i];
      fields.setUint16(rrset + RRSET_TYPE, this.#types[i] ?? 0, true);
      fields.setUint16(rrset + RRSET_COUNT, body?.count ?? 0, true);
      fields.setUint32(rrset + RRSET_BODY, body?.address ?? 0, true);
    }
    const name = this.#name;
    const nameAt = node + NODE_RRSETS + count * RRSET_SIZE;
    for (let i = 0; i < nameSize; i++) bytes[nameAt + i] = name[i] ?? 0;
    return node;
  }

  #take(size: number): number {
    const before = this.#heap.usedBytes;
    const address = this.#heap.take(size);
    // With what it is rounded up by, or that would never count as garbage.
    this.#extent += this.#heap.usedBytes - before;
    return address;
  }

  #measure(type: string, name: string, nameSize: number, body: Body): Body {
    this.leftOut.measure(type, name, nameSize, body.size);
    return body;
  }

  #writeAs(name: string, values: readonly string[]): Body {
    if (values.length === 1) {
      const address = parseIPv4(values[0] ?? '');
      if (address !== NOT_IPV4) return this.#writeA(name, values, address);
    }
    const known = this.#aBodies.get(values);
    if (known !== undefined) return known;
    const addresses = cleanIPv4s(values, (value) => this.leftOut.noteOdd('A', name, value));
    return this.#writeAddresses('A', name, values, addresses);
  }

  /** The body of one IPv4 address, whatever lists it is in. */
  #writeA(name: string, values: readonly string[], address: number): Body {
    this.leftOut.fit('A', name, values);
    const known = this.#ofAddress.get(address | 0);
    if (known !== undefined) return { address: known, count: 1, size: A_RECORD_SIZE };
    const body = { address: this.#take(A_RECORD_SIZE), count: 1, size: A_RECORD_SIZE };
    this.#putAs(body.address, values);
    this.#ofAddress.set(address | 0, body.address);
    return body;
  }

  #writeAaaas(name: string, values: readonly string[]): Body {
    const known = this.#aaaaBodies.get(values);
    if (known !== undefined) return known;
    const addresses = cleanIPv6s(values, (value) => this.leftOut.noteOdd('AAAA', name, value));
    return this.#writeAddresses('AAAA', name, values, addresses);
  }

  #writeAddresses(type: 'A' | 'AAAA', name: string, values: readonly string[], clean: readonly string[]): Body {
    const addresses = this.leftOut.fit(type, name, clean);
    if (addresses.length === 0) return NO_BODY;
    const isA = type === 'A';
    const size = addresses.length * (isA ? A_RECORD_SIZE : AAAA_RECORD_SIZE);
    const body = { address: this.#take(size), count: addresses.length, size };
    if (isA) this.#putAs(body.address, addresses);
    else this.#putAaaas(body.address, addresses);
    this.#share(isA ? this.#aBodies : this.#aaaaBodies, values, body);
    return body;
  }

  #writeServices(name: string, values: readonly string[]): Body {
    const known = this.#srvBodies.get(values);
    if (known !== undefined) return known;
    const usedBytes = this.#heap.usedBytes;
    const written = this.services?.write(values);
    if (written) {
      this.#extent += this.#heap.usedBytes - usedBytes;
      this.#srvBodies.set(values, written);
      return written;
    }
    const fitting = this.leftOut.fit('SRV', name, values);
    this.#services.read(fitting, (value) => this.leftOut.noteOdd('SRV', name, value));
    const body = this.#writeSrvs();
    this.#share(this.#srvBodies, values, body);
    return body;
  }

  /** Lets the next name with this list have the body too; what was left out must be reported for each name. */
  #share(bodies: SharedBodies, values: readonly string[], body: Body): void {
    if (!this.leftOut.hasOdd && values.length <= RRSET_COUNT_MAX) bodies.set(values, body);
  }

  // | targetCount | entries … | targets … | addresses … | records … |
  #writeSrvs(): Body {
    const { ttl, srvWeight } = this.#options;
    const { services, targetOf, targetsSize } = this.#services;
    const count = services.length;
    if (count === 0) return NO_BODY;
    let recordsSize = 0;
    for (const { targetSize } of services) recordsSize += RECORD_FIXED_SIZE + SRV_FIXED_SIZE + targetSize;
    const recordsAt = BODY_DIRECTORY + count * ENTRY_SIZE + targetsSize;
    const address = this.#take(recordsAt + recordsSize);
    const { fields, bytes } = this.#heap.views;
    let at = address + recordsAt;
    services.forEach(({ target, targetSize, port }, i) => {
      const dataSize = SRV_FIXED_SIZE + targetSize;
      this.#putEntry(address, i, at, RECORD_FIXED_SIZE + dataSize, targetOf[i] ?? NO_TARGET);
      this.#putFixed(at, TYPE_SRV, ttl, dataSize);
      fields.setUint16(at + RECORD_FIXED_SIZE, 0); // priority
      fields.setUint16(at + RECORD_FIXED_SIZE + 2, srvWeight);
      fields.setUint16(at + RECORD_FIXED_SIZE + 4, port);
      writeName(bytes, at + RECORD_FIXED_SIZE + SRV_FIXED_SIZE, target);
      at += RECORD_FIXED_SIZE + dataSize;
    });
    this.#putTargets(address, count);
    return { address, count, size: recordsSize };
  }

  /** NS and PTR: a body of one record that is a name, with the addresses of that name if `target` is given. */
  #writeNamed(type: number, named: string, target: string | null): Body {
    const size = wireSize(named);
    const { address, body } = this.#takeEntryBody(RECORD_FIXED_SIZE + size, target);
    this.#putFixed(address, type, this.#options.ttl, size);
    writeName(this.#heap.views.bytes, address + RECORD_FIXED_SIZE, named);
    return body;
  }

  /** A body with room for one record. @returns the address of the record too */
  #takeEntryBody(recordSize: number, target: string | null): { readonly address: number; readonly body: Body } {
    this.#services.clear();
    if (target !== null) this.#services.addTarget(target);
    const recordAt = BODY_DIRECTORY + ENTRY_SIZE + this.#services.targetsSize;
    const body = this.#take(recordAt + recordSize);
    this.#putEntry(body, 0, body + recordAt, recordSize, target === null ? NO_TARGET : 0);
    this.#putTargets(body, 1);
    return { address: body + recordAt, body: { address: body, count: 1, size: recordSize } };
  }

  #putEntry(body: number, index: number, record: number, size: number, target: number): void {
    const { fields } = this.#heap.views;
    const entry = body + BODY_DIRECTORY + index * ENTRY_SIZE;
    fields.setUint32(entry + ENTRY_RECORD, record - body, true);
    fields.setUint16(entry + ENTRY_RECORD_SIZE, size, true);
    fields.setUint16(entry + ENTRY_TARGET, target, true);
  }

  #putTargets(body: number, entryCount: number): void {
    const { fields } = this.#heap.views;
    const { as, aaaas } = this.#services;
    fields.setUint32(body + BODY_TARGET_COUNT, as.length, true);
    const directory = body + BODY_DIRECTORY + entryCount * ENTRY_SIZE;
    let addresses = directory + as.length * TARGET_SIZE;
    for (let i = 0; i < as.length; i++) {
      const target = directory + i * TARGET_SIZE;
      const theirAs = as[i] ?? [];
      const theirAaaas = aaaas[i] ?? [];
      fields.setUint32(target + TARGET_ADDRESSES, addresses - body, true);
      fields.setUint16(target + TARGET_A_COUNT, theirAs.length, true);
      fields.setUint16(target + TARGET_AAAA_COUNT, theirAaaas.length, true);
      this.#putAs(addresses, theirAs);
      addresses += theirAs.length * A_RECORD_SIZE;
      this.#putAaaas(addresses, theirAaaas);
      addresses += theirAaaas.length * AAAA_RECORD_SIZE;
    }
  }

  #putAs(address: number, addresses: readonly string[]): void {
    const { fields } = this.#heap.views;
    let at = address;
    for (const text of addresses) {
      this.#putFixed(at, TYPE_A, this.#options.ttl, 4);
      fields.setUint32(at + RECORD_FIXED_SIZE, parseIPv4(text));
      at += A_RECORD_SIZE;
    }
  }

  #putAaaas(address: number, addresses: readonly string[]): void {
    let at = address;
    for (const text of addresses) {
      this.#putFixed(at, TYPE_AAAA, this.#options.ttl, 16);
      writeIPv6(text, this.#heap.views.bytes, at + RECORD_FIXED_SIZE);
      at += AAAA_RECORD_SIZE;
    }
  }

  #soaSize(): number {
    const soa = this.#soa;
    return RECORD_FIXED_SIZE + wireSize(soa.mname) + wireSize(soa.rname) + SOA_TIMES_SIZE;
  }

  #writeSoa(address: number, ttl: number): number {
    const soa = this.#soa;
    const { fields, bytes } = this.#heap.views;
    this.#putFixed(address, TYPE_SOA, ttl, this.#soaSize() - RECORD_FIXED_SIZE);
    let at = writeName(bytes, address + RECORD_FIXED_SIZE, soa.mname);
    at = writeName(bytes, at, soa.rname);
    for (const field of [soa.serial, soa.refresh, soa.retry, soa.expire, soa.minimum]) {
      fields.setUint32(at, field);
      at += 4;
    }
    return address;
  }

  /** A record's fields up to its rdata; the owner is the question's name. */
  #putFixed(at: number, type: number, ttl: number, dataSize: number): void {
    const { fields } = this.#heap.views;
    fields.setUint32(at, (0xc00c << 16) | type);
    fields.setUint16(at + 4, CLASS_IN);
    fields.setUint32(at + 6, ttl);
    fields.setUint16(at + 10, dataSize);
  }
}
