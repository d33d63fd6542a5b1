// Tasks that fail, with `healthAware`: an RRset goes without them as long as others yield something for it.

import type { Config } from '../config/config.ts';
import type { Task } from '../state/model.ts';
import type { AddressSet } from './addresses.ts';
import { latestRunningStatus } from './addresses.ts';
import type { RecordSink, RecordType } from './zone-builder.ts';

/** Says in words what a task fails; null where it fails nothing, as far as is known. */
export function failureOf(task: Task): string | null {
  const status = latestRunningStatus(task.statuses);
  if (status?.healthy === false) return 'its health check fails';
  if (status?.checkPassed === false) return 'its check fails';
  return null;
}

/** Whether a task's records only stand in where no other task has any. */
export function isReserve(task: Task, { healthAware }: Pick<Config, 'healthAware'>): boolean {
  return healthAware && failureOf(task) !== null;
}

/** Hands on what reserve tasks yield for names that had nothing of the type before. */
export class ReserveSink implements RecordSink {
  readonly #sink: RecordSink;
  readonly #had: (type: RecordType, name: string) => boolean;
  /** Type and name of the RRsets that reserve tasks have begun. */
  readonly #begun = new Set<string>();

  /** @param had whether a name has records of a type now. */
  constructor(sink: RecordSink, had: (type: RecordType, name: string) => boolean) {
    this.#sink = sink;
    this.#had = had;
  }

  add(type: RecordType, name: string, value: string): boolean {
    return value !== '' && this.#takes(type, name) && this.#sink.add(type, name, value);
  }

  addAddresses(name: string, { ipv4, ipv6 }: AddressSet): boolean {
    for (const value of ipv4) this.add('A', name, value);
    for (const value of ipv6) this.add('AAAA', name, value);
    // Only addServices() could make use of the truth.
    return false;
  }

  addServices(names: readonly string[], target: string): void {
    for (const name of names) this.add('SRV', name, target);
  }

  #takes(type: RecordType, name: string): boolean {
    const key = `${type} ${name}`;
    if (this.#begun.has(key)) return true;
    if (this.#had(type, name)) return false;
    this.#begun.add(key);
    return true;
  }
}
