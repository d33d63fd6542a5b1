// The owner names that the tasks of one framework share. T stands for a task's label, F for the framework's domain
// fragment, D for the domain.

import type { DiscoveryPort } from '../state/model.ts';
import { flat } from './flat.ts';
import { domainFragment, type LabelRule, label } from './labels.ts';

/** A name below the framework, and its twin that leads to agents instead of containers. */
export interface NamePair {
  /** `X.F.D.` */
  readonly plain: string;
  /** `X.F.slave.D.` */
  readonly slave: string;
}

/** A dotted alias, and the name that it answers like. */
export interface Alias {
  readonly alias: string;
  readonly name: string;
}

/** Owner names that get the same records. */
export interface NameGroup {
  readonly plain: readonly string[];
  readonly slave: readonly string[];
  readonly all: readonly string[];
  /** Of its names, beside those that every task of the name has. */
  readonly aliases: readonly Alias[];
}

/** Takes an alias and the name that it answers like. */
export type AliasSink = (alias: string, name: string) => void;

const ANY_PROTOCOL: readonly string[] = ['tcp', 'udp'];
/** Kinds of discovery ports that are remembered of a name whose tasks all have others. */
const MAX_DISCOVERY_PORTS = 4096;
const NONE: readonly never[] = [];

/** Makes and remembers the names of one framework. */
export class NamesOfFramework {
  /** `.F.D.` */
  readonly tail: string;
  /** `.F.slave.D.` */
  readonly slaveTail: string;

  private readonly rule: LabelRule;
  private readonly addAlias: AliasSink | null;
  private readonly labelled = new Map<string, ServiceNames>();
  private readonly verbatim = new Map<string, ServiceNames>();

  /**
   * @param fragment F, may be ''.
   * @param addAlias told of the dotted aliases of every name made; null for none.
   */
  constructor(fragment: string, domain: string, rule: LabelRule, addAlias: AliasSink | null) {
    this.tail = `.${fragment}.${domain}.`;
    this.slaveTail = `.${fragment}.slave.${domain}.`;
    this.rule = rule;
    this.addAlias = addAlias;
  }

  /** The names under the label of a task or discovery name. */
  ofLabel(name: string): ServiceNames {
    const known = this.labelled.get(name);
    if (known !== undefined) return known;
    const t = label(name, this.rule);
    const dotted = this.addAlias === null || !name.includes('.') ? t : domainFragment(name, this.rule);
    const names = new ServiceNames(name, t, this, this.rule, dotted === t ? null : dotted);
    this.labelled.set(name, names);
    return names;
  }

  /** The names under a discovery name as it is: case, dots, spaces and all. */
  ofVerbatim(name: string): ServiceNames {
    const known = this.verbatim.get(name);
    if (known !== undefined) return known;
    const names = new ServiceNames(name, name, this, this.rule, null);
    this.verbatim.set(name, names);
    return names;
  }

  pair(name: string): NamePair {
    return { plain: flat(name + this.tail), slave: flat(name + this.slaveTail) };
  }

  /** Tells of an alias, and of its twin. */
  tellAlias(alias: NamePair, name: NamePair): readonly Alias[] {
    this.addAlias?.(alias.plain, name.plain);
    this.addAlias?.(alias.slave, name.slave);
    return [
      { alias: alias.plain, name: name.plain },
      { alias: alias.slave, name: name.slave },
    ];
  }

  /** Forgets names that no task has any more. */
  forget(names: ServiceNames): void {
    const map = this.verbatim.get(names.source) === names ? this.verbatim : this.labelled;
    map.delete(names.source);
  }

  /** Whether any names are remembered. */
  get isEmpty(): boolean {
    return this.labelled.size === 0 && this.verbatim.size === 0;
  }
}

export class ServiceNames {
  /** The name of the task or its discovery that they were made of. */
  readonly source: string;
  /** The label, or the verbatim name. */
  readonly t: string;
  readonly host: NamePair;
  /** `_T._tcp` and `_T._udp`. */
  readonly anyProtocol: NameGroup;
  /** Of the host and of any protocol. */
  readonly aliases: readonly Alias[];
  /** How many tasks have them, where somebody counts. */
  users = 0;

  private readonly framework: NamesOfFramework;
  private readonly rule: LabelRule;
  /** The name with its dots, where that is another one than the label and has aliases. */
  private readonly dotted: string | null;
  /** By protocol and port name, as the scheduler wrote them. */
  private discoveryPorts: Map<string, Map<string, NameGroup>> | null = null;

  constructor(source: string, t: string, framework: NamesOfFramework, rule: LabelRule, dotted: string | null) {
    this.source = source;
    this.t = t;
    this.framework = framework;
    this.rule = rule;
    this.dotted = dotted;
    this.host = framework.pair(t);
    this.anyProtocol = group([this.base('tcp'), this.base('udp')], NONE);
    this.aliases =
      dotted === null
        ? NONE
        : [
            ...framework.tellAlias(framework.pair(dotted), this.host),
            ...ANY_PROTOCOL.flatMap((protocol) => this.aliasesOf(protocol)),
          ];
  }

  /** `_T._proto` for one protocol or both, and with a port name `_portname._T._proto` as well. */
  ofDiscoveryPort(port: DiscoveryPort): NameGroup {
    this.discoveryPorts ??= new Map();
    let byName = this.discoveryPorts.get(port.protocol);
    if (byName === undefined) {
      byName = new Map();
      if (this.discoveryPorts.size >= MAX_DISCOVERY_PORTS) this.discoveryPorts.clear();
      this.discoveryPorts.set(port.protocol, byName);
    }
    let names = byName.get(port.name);
    if (names === undefined) {
      names = this.makeDiscoveryPort(port);
      if (byName.size >= MAX_DISCOVERY_PORTS) byName.clear();
      byName.set(port.name, names);
    }
    return names;
  }

  private makeDiscoveryPort(port: DiscoveryPort): NameGroup {
    const protocol = label(port.protocol, this.rule);
    const portName = label(port.name, this.rule);
    const pairs: NamePair[] = [];
    const aliases: Alias[] = [];
    for (const each of protocol === '' ? ANY_PROTOCOL : [protocol]) {
      pairs.push(this.base(each));
      if (!ANY_PROTOCOL.includes(each)) aliases.push(...this.aliasesOf(each));
      if (portName !== '') pairs.push(this.framework.pair(`_${portName}._${this.t}._${each}`));
    }
    return group(pairs, aliases);
  }

  private base(protocol: string): NamePair {
    return this.framework.pair(`_${this.t}._${protocol}`);
  }

  private aliasesOf(protocol: string): readonly Alias[] {
    if (this.dotted === null) return NONE;
    return this.framework.tellAlias(this.framework.pair(`_${this.dotted}._${protocol}`), this.base(protocol));
  }
}

function group(pairs: readonly NamePair[], aliases: readonly Alias[]): NameGroup {
  const plain = pairs.map((pair) => pair.plain);
  const slave = pairs.map((pair) => pair.slave);
  return { plain, slave, all: [...slave, ...plain], aliases };
}
