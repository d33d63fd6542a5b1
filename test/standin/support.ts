// What the stand-in's tests share: a clock that moves by hand, captured documents, and comparing shapes of JSON.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { Clock } from '../../src/standin/clock.ts';

/** Time stands still until `advance`. */
export class ManualClock implements Clock {
  #now = 1_700_000_000_000;
  #timers: { readonly at: number; readonly action: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  after(delayMs: number, action: () => void): () => void {
    const timer = { at: this.#now + delayMs, action };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer);
    };
  }

  /** Moves on and runs what falls due, in order. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const next = this.#timers.filter((timer) => timer.at <= end).sort((one, other) => one.at - other.at)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#now = Math.max(this.#now, next.at);
      next.action();
    }
    this.#now = end;
  }
}

export type Json = Readonly<Record<string, unknown>>;

/** A captured answer. The tests run from `dist/test`, the fixtures stay with the sources. */
export function capture(name: string): Json {
  return JSON.parse(
    readFileSync(new URL(`../../../test/fixtures/real-mesos/${name}`, import.meta.url), 'utf8'),
  ) as Json;
}

/** The objects below a key of a document, all of them in one list: `frameworks.tasks`. */
export function objectsAt(document: unknown, path: string): Json[] {
  let found: unknown[] = [document];
  for (const key of path.split('.')) {
    found = found.flatMap((each) => (each as Json)[key] ?? []);
  }
  return found as Json[];
}

/**
 * Every object has the keys that all samples have, no key that none has, and values of a type that a sample has there.
 */
export function assertSameShape(objects: readonly Json[], samples: readonly Json[], where: string): void {
  assert.ok(objects.length > 0 && samples.length > 0, `${where}: something to compare`);
  const keys = new Set(samples.flatMap((sample) => Object.keys(sample)));
  for (const object of objects) {
    for (const [key, value] of Object.entries(object)) {
      assert.ok(keys.has(key), `${where}: unexpected key ${key}`);
      const types = new Set(samples.filter((sample) => key in sample).map((sample) => typeOf(sample[key])));
      assert.ok(types.has(typeOf(value)), `${where}.${key}: ${typeOf(value)}, in Mesos ${[...types].join(' or ')}`);
    }
    for (const key of keys) {
      if (samples.every((sample) => key in sample)) assert.ok(key in object, `${where}: key ${key} is missing`);
    }
  }
}

function typeOf(value: unknown): string {
  return Array.isArray(value) ? 'array' : typeof value;
}
