// The JSON documents of the API v1, field by field as Mesos-DNS 0.7 serves them: clients read them without a schema.

import { homedir } from 'node:os';
import { resolve } from 'node:path';
import type { Config } from '../config/config.ts';
import { fqdn } from '../dns/name.ts';
import type { RecordSet } from '../records/record-set.ts';

const MASK = '****';
const DNS_PORT = ':53';

/** `/v1/version`. `Service` and `URL` are what clients of Mesos-DNS expect to see. */
export function versionView(version: string) {
  return { Service: 'Mesos-DNS', URL: 'https://github.com/mesosphere/mesos-dns', Version: version };
}

/**
 * `/v1/config`: every setting under the name of its field in Mesos-DNS (0.7, then its fork, then ours), in the original's
 * order. Secrets are masked, which the original's are not.
 *
 * @param serial the present zone's, null while there is none (shown as 0).
 */
export function configView(config: Config, serial: number | null) {
  return {
    RefreshSeconds: config.refreshSeconds,
    Port: config.port,
    Timeout: config.timeout,
    StateTimeoutSeconds: config.stateTimeoutSeconds,
    ZkDetectionTimeout: config.zkDetectionTimeout,
    HttpPort: config.httpPort,
    TTL: config.ttl,
    SRVRecordDefaultWeight: config.srvRecordDefaultWeight,
    SOASerial: serial ?? 0,
    SOARefresh: config.SOARefresh,
    SOARetry: config.SOARetry,
    SOAExpire: config.SOAExpire,
    SOAMinttl: config.SOAMinttl,
    SOAMname: fqdn(config.SOAMname),
    SOARname: fqdn(config.SOARname),
    // Go writes a list that was never set as null.
    Masters: config.masters.length === 0 ? null : config.masters,
    ZoneResolvers: Object.fromEntries(
      Object.entries(config.zoneResolvers).map(([zone, servers]) => [zone, servers.map(withoutDnsPort)]),
    ),
    Resolvers: config.resolvers.map(withoutDnsPort),
    IPSources: config.IPSources,
    Zk: withoutUserInfo(config.zk),
    Domain: config.domain,
    File: resolve(config.file.replace('~/', `${homedir()}/`)),
    // A text in the original; several listeners are ours.
    Listener: config.listener.join(','),
    HTTPListener: config.httpListener,
    RecurseOn: config.recurseOn,
    DnsOn: config.dnsOn,
    HttpOn: config.httpOn,
    ExternalOn: config.externalOn,
    EnforceRFC952: config.enforceRFC952,
    SetTruncateBit: config.setTruncateBit,
    EnumerationOn: config.enumerationOn,
    MesosHTTPSOn: config.mesosHTTPSOn,
    CACertFile: config.caCertFile,
    CertFile: config.certFile,
    KeyFile: config.keyFile,
    MesosCredentials: {
      Principal: config.mesosCredentials.principal,
      Secret: config.mesosCredentials.secret === '' ? '' : MASK,
    },
    IAMConfigFile: config.iamConfigFile,
    MesosAuthentication: config.mesosAuthentication,
    ReverseDnsOn: config.reverseDNSOn,
    ResolvSubnetFirst: config.resolvSubnetFirst,
    DottedNames: config.dottedNames,
    SlaveNamedPorts: config.slaveNamedPorts,
    HealthAware: config.healthAware,
  };
}

/** `/v1/hosts/{host}`: A, then AAAA. An unknown name has one entry of empty texts, with status 200, as ever. */
export function hostsView(host: string, { as, aaaas }: RecordSet) {
  const name = recordName(host);
  const addresses = [...(as.get(name) ?? []), ...(aaaas.get(name) ?? [])];
  return addresses.length === 0 ? [{ host: '', ip: '' }] : addresses.map((ip) => ({ host: name, ip }));
}

/** `/v1/services/{service}`: per SRV record one entry for each address family that its target has; ports are texts. */
export function servicesView(service: string, { as, aaaas, srvs }: RecordSet) {
  const entries = (srvs.get(recordName(service)) ?? []).flatMap((value) => {
    const split = value.lastIndexOf(':');
    const host = value.slice(0, split);
    const port = value.slice(split + 1);
    return [as.get(host)?.[0], aaaas.get(host)?.[0]]
      .filter((ip) => ip !== undefined)
      .map((ip) => ({ service, host, ip, port }));
  });
  return entries.length === 0 ? [{ service: '', host: '', ip: '', port: '' }] : entries;
}

/**
 * The name to look up for what the request says. Only the request is lower-cased, so the raw twin of a DiscoveryInfo name
 * with capitals is not found; its label is.
 */
function recordName(text: string): string {
  const name = text.replaceAll('.*', '').toLowerCase();
  return fqdn(name);
}

/** `10.0.0.1` for `10.0.0.1:53`, `::1` for `[::1]:53`: as such servers are written in the configuration file. */
function withoutDnsPort(server: string): string {
  return server.endsWith(DNS_PORT) ? server.slice(0, -DNS_PORT.length).replace(/^\[(.*)\]$/, '$1') : server;
}

/** Everything before the last `@` is masked, wherever it stands: a password may hold any character. */
function withoutUserInfo(zk: string): string {
  return zk.replace(/^([a-z]+:\/\/)?.*@/is, `$1${MASK}@`);
}
