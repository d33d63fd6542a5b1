// Host ports and container addresses: who has which. One book of each per cluster, shared by its schedulers.

import type { Cluster } from './cluster.ts';
import type { Agent, NetworkInfo, Task } from './model.ts';

/** Which host ports of which agents are taken. */
export class PortBook {
  static readonly #books = new WeakMap<Cluster, PortBook>();
  readonly #taken = new Map<string, Set<number>>();

  static of(cluster: Cluster): PortBook {
    const known = PortBook.#books.get(cluster);
    if (known !== undefined) return known;
    const book = new PortBook();
    PortBook.#books.set(cluster, book);
    return book;
  }

  free(agent: Agent): number {
    const [first, last] = agent.portRange;
    return last - first + 1 - (this.#taken.get(agent.id)?.size ?? 0);
  }

  /** The lowest free ports, ascending. */
  take(agent: Agent, count: number): readonly number[] {
    let taken = this.#taken.get(agent.id);
    if (taken === undefined) {
      taken = new Set();
      this.#taken.set(agent.id, taken);
    }
    const ports: number[] = [];
    for (let port = agent.portRange[0]; port <= agent.portRange[1] && ports.length < count; port += 1) {
      if (taken.has(port)) continue;
      taken.add(port);
      ports.push(port);
    }
    return ports;
  }

  release(task: Task): void {
    const taken = this.#taken.get(task.agentId);
    for (const port of task.ports) taken?.delete(port);
  }
}

/** Gives out container addresses: 9.0.0.0/8 as DC/OS's overlay does, fd01::/64 beside it. Never the same one twice. */
export class AddressBook {
  static readonly #books = new WeakMap<Cluster, AddressBook>();
  #next = 2;

  static of(cluster: Cluster): AddressBook {
    const known = AddressBook.#books.get(cluster);
    if (known !== undefined) return known;
    const book = new AddressBook();
    AddressBook.#books.set(cluster, book);
    return book;
  }

  give(network: { readonly name: string; readonly ipv6?: boolean }): readonly NetworkInfo[] {
    const number = this.#next++;
    const ipv4 = `9.${(number >>> 16) & 255}.${(number >>> 8) & 255}.${number & 255}`;
    const high = (number >>> 16).toString(16);
    const low = (number & 0xffff).toString(16);
    const ipv6 = number > 0xffff ? `fd01::${high}:${low}` : `fd01::${low}`;
    return [{ name: network.name, addresses: network.ipv6 === true ? [ipv4, ipv6] : [ipv4] }];
  }
}
