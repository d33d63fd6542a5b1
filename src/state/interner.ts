// Keeps one of equal values. Most of what tasks say, other tasks say as well, and the parser makes everything anew: with one
// string or list for all of them the model of 100,000 tasks is a third of the size.

import type { Discovery, DiscoveryPort } from './model.ts';
import { type PortRanges, parsePortRanges } from './ports.ts';

export class Interner {
  private readonly texts = new Map<string, string>();
  private readonly singles = new Map<string, readonly string[]>();
  private readonly portRanges = new Map<string, PortRanges>();
  /** By name, the last one: tasks of one name differ in it only while they are being replaced. */
  private readonly discoveries = new Map<string, Discovery>();

  text(text: string): string {
    const known = this.texts.get(text);
    if (known !== undefined) return known;
    this.texts.set(text, text);
    return text;
  }

  /** Lists of one text, which most are, are shared; others only take no more memory than they need. */
  list(texts: readonly string[]): readonly string[] {
    const [first, second] = texts;
    if (first === undefined || second !== undefined) return texts.slice();
    let list = this.singles.get(first);
    if (list === undefined) {
      list = [this.text(first)];
      this.singles.set(first, list);
    }
    return list;
  }

  /** See parsePortRanges(). */
  ports(text: string): PortRanges {
    let ports = this.portRanges.get(text);
    if (ports === undefined) {
      const { ranges, oddity } = parsePortRanges(text);
      ports = { ranges: ranges.slice(), oddity };
      this.portRanges.set(text, ports);
    }
    return ports;
  }

  discovery(name: string, ports: readonly DiscoveryPort[]): Discovery {
    const known = this.discoveries.get(name);
    if (known !== undefined && samePorts(known.ports, ports)) return known;
    const discovery = { name: this.text(name), ports: ports.slice() };
    this.discoveries.set(discovery.name, discovery);
    return discovery;
  }
}

function samePorts(some: readonly DiscoveryPort[], others: readonly DiscoveryPort[]): boolean {
  return (
    some.length === others.length &&
    some.every((port, i) => {
      const other = others[i];
      return port.number === other?.number && port.protocol === other.protocol && port.name === other.name;
    })
  );
}
