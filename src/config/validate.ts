// The checks that look at more than a value's type: what the original refuses at start, and what can never work.
// Nothing is looked up here; host names stay names.

import { NETWORKS_MAX, SECRETS_MAX } from '../../assembly/shared/layout.ts';
import { formatHostPort, isHost, parseHostPort } from '../dns/endpoint.ts';
import { LOCAL_NETWORKS, parseNetwork } from '../dns/network.ts';
import { formatServer, parseServer } from '../dns/server-address.ts';
import type { IpSource } from './config.ts';
import type { ConfiguredMaster } from './hosts.ts';
import { type Problems, quote } from './problems.ts';
import { KEYS } from './schema.ts';
import type { ReadSettings } from './settings.ts';
import { parseZk } from './zk-url.ts';

/** The rest is for the networks of this machine. */
const CONFIGURED_NETWORKS_MAX = NETWORKS_MAX / 2;

export interface Checked {
  /** `zk://…` or ''. */
  readonly zk: string;
  readonly masters: readonly ConfiguredMaster[];
  readonly domain: string;
  readonly IPSources: readonly IpSource[];
  readonly SOARname: string;
  readonly SOAMname: string;
  /** `ip:port` each; empty when externalOn is false. */
  readonly resolvers: readonly string[];
  /** Empty when externalOn is false. */
  readonly zoneResolvers: Readonly<Record<string, readonly string[]>>;
  /** Seconds. */
  readonly timeout: number;
  readonly cookieSecrets: readonly string[];
  readonly allowForward: readonly string[];
  readonly cacheMaxTtl: number;
}

/** Checks the values against each other. Values of keys that were refused before are left alone. */
export function validate(read: ReadSettings, problems: Problems): Checked {
  const { settings, refused } = read;
  if (!settings.dnsOn && !settings.httpOn) {
    problems.refuse('dnsOn, httpOn', 'at least one of them to be true', 'false for both');
  }
  const masters = checkMasters(settings.masters, problems);
  const sources = checkSources(read, masters, problems);
  if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(settings.metricsPrefix)) {
    problems.refuse('metricsPrefix', 'letters, digits and "_", no digit first', quote(settings.metricsPrefix));
  }
  const domain = settings.domain.toLowerCase();
  const domainTrouble = zoneTrouble(domain);
  if (domainTrouble !== null) problems.refuse('domain', domainTrouble, quote(settings.domain));
  return {
    ...sources,
    domain,
    IPSources: refused.has('IPSources') ? [] : checkIpSources(settings.IPSources, problems),
    SOARname: checkSoaName('SOARname', settings.SOARname.replaceAll('@', '.'), problems),
    SOAMname: checkSoaName('SOAMname', settings.SOAMname, problems),
    // A file with forwarding off may carry anything here: the original does not look at it either.
    resolvers: settings.externalOn ? checkResolvers('resolvers', settings.resolvers, problems) : [],
    zoneResolvers: settings.externalOn ? checkZones(settings.zoneResolvers, domain, problems) : {},
    timeout: settings.timeout === 0 ? 5 : settings.timeout,
    cookieSecrets: checkCookieSecrets(settings.cookieSecrets, problems),
    allowForward: checkNetworks(settings.allowForward, problems),
    cacheMaxTtl: checkMaxTtl(settings, problems),
  };
}

/** `zk` and `masters` together: at least one is needed, and a `zk` that names a master is moved to `masters`. */
function checkSources(
  { settings, refused }: ReadSettings,
  masters: readonly ConfiguredMaster[],
  problems: Problems,
): { readonly zk: string; readonly masters: readonly ConfiguredMaster[] } {
  if (settings.zk.trim() === '') {
    const nothingSaid = settings.masters.length === 0 && !refused.has('masters') && !refused.has('zk');
    if (nothingSaid) problems.refuse('zk, masters', 'at least one of them', 'neither');
    return { zk: '', masters };
  }
  const source = parseZk(settings.zk);
  switch (source.kind) {
    case 'zookeeper':
      return { zk: settings.zk.trim().replace(/\/+$/, ''), masters };
    case 'file':
    case 'unusable':
      problems.refuse(
        'zk',
        'a URL of the form zk://host:port,host:port/path',
        `one that cannot be used: ${source.kind === 'file' ? 'a file that names another file' : source.trouble}`,
      );
      return { zk: '', masters };
    case 'master': {
      const first = formatHostPort(source.master);
      problems.warn('zk', `${quote(first)} is no ZooKeeper URL; taken as the first of masters`);
      const others = masters.filter((master) => formatHostPort(master) !== first);
      return { zk: '', masters: [{ ...source.master, written: first }, ...others] };
    }
  }
}

function checkMasters(texts: readonly string[], problems: Problems): readonly ConfiguredMaster[] {
  const masters = texts.flatMap((text) => {
    const master = parseHostPort(text);
    if (master !== null && isHost(master.host)) return [{ ...master, written: text }];
    problems.refuse('masters', 'each as host:port with a port from 1 to 65535 (IPv6: [address]:port)', quote(text));
    return [];
  });
  refuseTwins('masters', masters.map(formatHostPort), problems);
  return masters;
}

function checkIpSources(sources: readonly string[], problems: Problems): readonly IpSource[] {
  if (sources.length === 0) problems.refuse('IPSources', 'at least one source', 'an empty list');
  refuseTwins('IPSources', sources, problems);
  const known: readonly string[] = KEYS.IPSources.oneOf;
  return sources.filter((source): source is IpSource => known.includes(source));
}

function checkResolvers(where: string, texts: readonly string[], problems: Problems): readonly string[] {
  const resolvers = texts.flatMap((text) => {
    const resolver = parseServer(text);
    if (resolver !== null) return [formatServer(resolver)];
    const expected = text.startsWith('tls:')
      ? 'each as tls://IP@name or tls://IP:port@name, where name is that of the certificate'
      : 'each as an IP address or IP:port with a port from 1 to 65535';
    problems.refuse(where, expected, quote(text));
    return [];
  });
  refuseTwins(where, resolvers, problems);
  return resolvers;
}

function checkZones(
  zones: Readonly<Record<string, readonly string[]>>,
  domain: string,
  problems: Problems,
): Readonly<Record<string, readonly string[]>> {
  const checked = Object.entries(zones).map(([zone, servers]) => {
    const where = `zoneResolvers[${quote(zone)}]`;
    const trouble = zoneTrouble(zone);
    if (trouble !== null) problems.refuse(where, `a zone that is ${trouble}`, quote(zone));
    if (servers.length === 0) problems.refuse(where, 'at least one server', 'an empty list');
    if (zone === domain) problems.refuse(where, 'zones other than the domain itself', quote(zone));
    return [zone, checkResolvers(where, servers, problems)] as const;
  });
  const names = [...new Set([...Object.keys(zones), domain])];
  for (const lower of names) {
    for (const upper of names.filter((name) => lower.endsWith(`.${name}`))) {
      const which = upper === domain ? `below the domain ${quote(domain)}` : `below ${quote(upper)}`;
      const got = lower === domain ? `the domain ${quote(domain)} ${which}` : `${quote(lower)} ${which}`;
      problems.refuse('zoneResolvers', 'zones that do not contain one another or the domain', got);
    }
  }
  return Object.fromEntries(checked);
}

/** Never shows one. */
function checkCookieSecrets(secrets: readonly string[], problems: Problems): readonly string[] {
  if (secrets.length > SECRETS_MAX) {
    problems.refuse('cookieSecrets', `at most ${SECRETS_MAX} secrets`, String(secrets.length));
  }
  secrets.forEach((secret, i) => {
    if (/^[0-9a-f]{32}$/i.test(secret)) return;
    problems.refuse(`cookieSecrets[${i}]`, '32 hexadecimal digits', `${secret.length} characters that are not`);
  });
  return secrets;
}

function checkNetworks(networks: readonly string[], problems: Problems): readonly string[] {
  if (networks.length > CONFIGURED_NETWORKS_MAX) {
    problems.refuse('allowForward', `at most ${CONFIGURED_NETWORKS_MAX} networks`, String(networks.length));
  }
  for (const [i, text] of networks.entries()) {
    if (text === LOCAL_NETWORKS || parseNetwork(text) !== null) continue;
    problems.refuse(`allowForward[${i}]`, `a network as address/prefix, or "${LOCAL_NETWORKS}"`, quote(text));
  }
  return networks;
}

function checkMaxTtl({ cacheMinTtl, cacheMaxTtl }: ReadSettings['settings'], problems: Problems): number {
  if (cacheMaxTtl < cacheMinTtl) {
    problems.refuse('cacheMaxTtl', `at least cacheMinTtl, which is ${cacheMinTtl}`, String(cacheMaxTtl));
  }
  return cacheMaxTtl;
}

/** What a zone must be, if it is not: labels of letters, digits and hyphens, as long as DNS allows. */
function zoneTrouble(zone: string): string | null {
  if (!/^[a-z0-9-]+(?:\.[a-z0-9-]+)*$/.test(zone)) {
    return 'labels of letters, digits and "-", joined by dots, without a final dot';
  }
  return lengthTrouble(zone);
}

function lengthTrouble(name: string): string | null {
  if (name.split('.').some((label) => label.length > 63)) return 'labels of at most 63 characters';
  return name.length > 253 ? 'at most 253 characters' : null;
}

/** A name of the SOA record with exactly one final dot. Its case is kept. */
function checkSoaName(key: 'SOARname' | 'SOAMname', text: string, problems: Problems): string {
  const name = text.replace(/\.+$/, '');
  // An empty mailbox is the root, which says that there is none; a server always has a name.
  if (name === '' && key === 'SOARname') return '.';
  const wellFormed = /^[!-~]+$/.test(name) && name.split('.').every((label) => label !== '');
  const trouble = wellFormed ? lengthTrouble(name) : 'a domain name without empty labels and white space';
  if (trouble !== null) problems.refuse(key, trouble, quote(text));
  return `${name}.`;
}

function refuseTwins(where: string, texts: readonly string[], problems: Problems): void {
  const twins = new Set(texts.filter((text, index) => texts.indexOf(text) !== index));
  for (const twin of twins) problems.refuse(where, 'no duplicates', `${quote(twin)} more than once`);
}
