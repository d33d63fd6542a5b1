// Which upstreams a route leads to. An upstream that several routes name is one upstream: its health and sockets are shared.

import type { LoopWatch } from './loop-watch.ts';
import { Upstream, type UpstreamContext } from './upstream.ts';

const NONE: readonly Upstream[] = [];

export class RouteTable {
  readonly #context: UpstreamContext;
  readonly #loops: LoopWatch | null;
  readonly #zones: readonly string[];
  readonly #routes: Upstream[][] = [];
  /** By the text that names them. */
  #upstreams = new Map<string, Upstream>();

  constructor(
    routes: readonly (readonly string[])[],
    zones: readonly string[],
    context: UpstreamContext,
    loops: LoopWatch | null,
  ) {
    this.#context = context;
    this.#loops = loops;
    this.#zones = zones;
    for (const [route, names] of routes.entries()) this.set(route, names);
  }

  of(route: number): readonly Upstream[] {
    return this.#routes[route] ?? NONE;
  }

  upstreams(): Iterable<Upstream> {
    return this.#upstreams.values();
  }

  set(route: number, names: readonly string[]): void {
    this.#routes[route] = names.map((name) => {
      const upstream = this.#upstreams.get(name) ?? new Upstream(name, this.#context);
      this.#upstreams.set(name, upstream);
      this.#loops?.add(upstream, this.#zones[route] ?? '');
      return upstream;
    });
    this.#closeUnused();
  }

  close(): void {
    for (const upstream of this.#upstreams.values()) upstream.close();
  }

  #closeUnused(): void {
    const used = new Set(this.#routes.flat());
    for (const [name, upstream] of this.#upstreams) {
      if (used.has(upstream)) continue;
      this.#upstreams.delete(name);
      this.#loops?.remove(upstream);
      upstream.close();
    }
  }
}
