// The forwarder in force, which a reload replaces by another one while queries are on their way.

import { performance } from 'node:perf_hooks'; // the global one is looked up anew for each call
import type { OnAnswer, RelayingForwarder, UpstreamForwarder } from './forwarder.ts';
import { foldCase, readQuestionEnd } from './message.ts';

/** The one before answers what it was asked: longer than any forwarded query may take. */
const RETIRE_MS = 5000;
/** So long after a change of the zones, queries may come that were numbered by the zones before. */
const RENUMBERING_MS = 2000;
const HEADER_SIZE = 12;
const LONG_AGO = Number.NEGATIVE_INFINITY;

export class SwitchedForwarder implements RelayingForwarder {
  #current: UpstreamForwarder;
  #zones: readonly string[];
  #renumberedAtMs = LONG_AGO;

  /** @param zones the zone of each route, '' for the default one */
  constructor(first: UpstreamForwarder, zones: readonly string[]) {
    this.#current = first;
    this.#zones = zones;
  }

  get current(): UpstreamForwarder {
    return this.#current;
  }

  replace(next: UpstreamForwarder, zones: readonly string[]): void {
    const last = this.#current;
    setTimeout(() => void last.close(), RETIRE_MS).unref();
    if (zones.join() !== this.#zones.join()) this.#renumberedAtMs = performance.now();
    this.#current = next;
    this.#zones = zones;
  }

  forward(query: Uint8Array, route: number, maxSizeBytes: number, clientGroup?: number): Promise<Uint8Array> {
    return this.#current.forward(query, this.#routeNow(query, route), maxSizeBytes, clientGroup);
  }

  relay(query: Uint8Array, route: number, maxSizeBytes: number, clientGroup: number, onAnswer: OnAnswer): void {
    this.#current.relay(query, this.#routeNow(query, route), maxSizeBytes, clientGroup, onAnswer);
  }

  close(): Promise<void> {
    return this.#current.close();
  }

  #routeNow(query: Uint8Array, route: number): number {
    if (this.#renumberedAtMs === LONG_AGO) return route;
    if (performance.now() - this.#renumberedAtMs < RENUMBERING_MS) return routeOf(query, this.#zones);
    this.#renumberedAtMs = LONG_AGO;
    return route;
  }
}

/** The zone that the question's name is in, as a number of a route; zones do not contain one another. */
export function routeOf(query: Uint8Array, zones: readonly string[]): number {
  const end = readQuestionEnd(query);
  let name = '';
  for (let at = HEADER_SIZE; at < end; ) {
    const length = query[at] ?? 0;
    if (length === 0 || length > 63 || end - at < length) break;
    name += '.';
    for (let i = 1; i <= length; i += 1) name += String.fromCharCode(foldCase(query[at + i] ?? 0));
    at += length + 1;
  }
  const route = zones.findIndex((zone) => zone !== '' && name.endsWith(`.${zone}`));
  return Math.max(route, 0);
}
