// What answers leave out of a zone, and why, as text.

import { HEADER_SIZE, MAX_MESSAGE_SIZE, OPT_SIZE } from '../dns/constants.ts';
import { RRSET_COUNT_MAX } from './contract.ts';

/** Header, question and OPT record beside the question's name. */
const AROUND_ANSWERS_SIZE = HEADER_SIZE + 4 + OPT_SIZE;

export class LeftOut {
  /** Records that cannot be written on the wire, by the folded name that they are for. */
  readonly unwritable = new Map<string, readonly string[]>();
  /** RRsets that are larger than a table or a message can hold, by type and folded name. */
  readonly cut = new Map<string, string>();
  readonly overlong = new Map<string, string>();
  /** Records of the present name that cannot be written. */
  readonly #odd: string[] = [];

  /** Notes a record of the present name that cannot be written. */
  noteOdd(type: string, name: string, value: string): void {
    this.#odd.push(`${type} ${name} ${value}`);
  }

  get hasOdd(): boolean {
    return this.#odd.length > 0;
  }

  /** All records of the present name have been looked at. */
  settle(name: string): void {
    if (this.#odd.length > 0) this.unwritable.set(name, this.#odd.splice(0));
    else if (this.unwritable.size > 0) this.unwritable.delete(name);
  }

  /** As many as a table can count. */
  fit<T>(type: string, name: string, values: readonly T[]): readonly T[] {
    if (values.length <= RRSET_COUNT_MAX) {
      if (this.cut.size > 0) this.cut.delete(`${type} ${name}`);
      return values;
    }
    this.cut.set(
      `${type} ${name}`,
      `${type} ${name} has ${values.length} records, of which ${RRSET_COUNT_MAX} are served`,
    );
    return values.slice(0, RRSET_COUNT_MAX);
  }

  /** Notes an RRset that no message holds whole: answers over TCP hold a part of it, each another one. Sizes in octets. */
  measure(type: string, name: string, nameSize: number, recordsSize: number): void {
    if (recordsSize > MAX_MESSAGE_SIZE - AROUND_ANSWERS_SIZE - nameSize) {
      const text = `${type} ${name} is larger than any DNS message; each answer over TCP holds another part of it`;
      this.overlong.set(`${type} ${name}`, text);
    } else if (this.overlong.size > 0) {
      this.overlong.delete(`${type} ${name}`);
    }
  }
}
