// The services of one SRV RRset taken apart, in buffers that are used again for the next.

import { foldCase, hasUpperCase } from '../dns/name.ts';
import { parseSrvValue, type SrvValue } from '../dns/srv-text.ts';
import { A_RECORD_SIZE, AAAA_RECORD_SIZE, RRSET_COUNT_MAX, TARGET_SIZE } from './contract.ts';
import { cleanIPv4s, cleanIPv6s, type ZoneView } from './zone-view.ts';

/** Up to here, comparing is quicker than a map. */
const FEW = 12;
/** Upper case in the target; a sign or a leading zero in the port: values that may mean the same record as another. */
function isOddlySpelled(value: string, { target, port }: SrvValue): boolean {
  return hasUpperCase(target) || value.length !== target.length + 1 + String(port).length;
}

export class ServiceList {
  readonly #zone: ZoneView;
  /** The distinct records, in the order derived. */
  readonly services: SrvValue[] = [];
  /** For each record, the index of its target. */
  readonly targetOf: number[] = [];
  /** For each target, its addresses. */
  readonly as: (readonly string[])[] = [];
  readonly aaaas: (readonly string[])[] = [];
  /** Octets of the targets' entries and addresses in a body. */
  targetsSize = 0;
  readonly #targets: string[] = [];
  readonly #indexes = new Map<string, number>();

  constructor(zone: ZoneView) {
    this.#zone = zone;
  }

  /** @param odd takes values that cannot be written */
  read(values: readonly string[], odd: (value: string) => void): void {
    this.clear();
    const { services } = this;
    let mayRepeat = false;
    for (const value of values) {
      const service = parseSrvValue(value);
      if (service === null) {
        odd(value);
        continue;
      }
      mayRepeat ||= isOddlySpelled(value, service);
      services.push(service);
    }
    if (mayRepeat) this.#dropRepeated();
    for (const { target } of services) this.addTarget(mayRepeat ? foldCase(target) : target);
  }

  clear(): void {
    this.services.length = 0;
    this.targetOf.length = 0;
    this.as.length = 0;
    this.aaaas.length = 0;
    this.targetsSize = 0;
    this.#targets.length = 0;
    this.#indexes.clear();
  }

  /** Notes the target of the next record, folded. */
  addTarget(name: string): void {
    let index = this.#targets.length <= FEW ? this.#targets.indexOf(name) : (this.#indexes.get(name) ?? -1);
    if (index === -1) {
      index = this.#targets.length;
      this.#targets.push(name);
      if (index === FEW) this.#targets.forEach((known, i) => void this.#indexes.set(known, i));
      else if (index > FEW) this.#indexes.set(name, index);
      const as = countable(cleanIPv4s(this.#zone.as(name), ignore));
      const aaaas = countable(cleanIPv6s(this.#zone.aaaas(name), ignore));
      this.as.push(as);
      this.aaaas.push(aaaas);
      this.targetsSize += TARGET_SIZE + as.length * A_RECORD_SIZE + aaaas.length * AAAA_RECORD_SIZE;
    }
    this.targetOf.push(index);
  }

  /** Targets compare without case (RFC 4343); the first spelling stays. */
  #dropRepeated(): void {
    const seen = new Set<string>();
    const distinct = this.services.filter(({ target, port }) => {
      const before = seen.size;
      return seen.add(`${foldCase(target)}:${port}`).size > before;
    });
    this.services.splice(0, this.services.length, ...distinct);
  }
}

/** As many as a table can count. */
function countable(values: readonly string[]): readonly string[] {
  return values.length <= RRSET_COUNT_MAX ? values : values.slice(0, RRSET_COUNT_MAX);
}

function ignore(): void {}
