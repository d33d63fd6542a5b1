// What a master of a given Mesos version can do and writes, as far as it matters to whoever reads its state.

/** Three representative masters: of today, of the years 2016–2018, and from before redirects existed. */
export const MODERN = '1.11.0';
export const MIDDLE = '1.4.1';
export const OLD = '0.28.1';

export interface MesosFeatures {
  readonly version: string;
  /** `/state` and `/master/state` (0.25 and later). */
  readonly plainPaths: boolean;
  /** `/state.json` and `/master/state.json` (up to 1.7; the only ones before 0.25). */
  readonly jsonPaths: boolean;
  /** Followers answer 307 or 503; before 1.0 they answer 200 with empty lists and the leader's pid. */
  readonly redirects: boolean;
  /** 1.0.0 forgot the query in redirects. */
  readonly redirectsKeepQuery: boolean;
  /** `/redirect` names a scheme before 0.23. */
  readonly schemeInRedirect: boolean;
  readonly operatorApi: boolean; // 1.0: POST /api/v1
  readonly frameworkPid: boolean; // 0.23
  readonly statusDetails: boolean; // 0.25: labels and container_status in statuses
  readonly healthy: boolean; // 0.26
  readonly addressList: boolean; // 0.26: ip_addresses[]
  readonly singleAddress: boolean; // 0.25–0.28: ip_address
  readonly container: boolean; // 0.27
  readonly gpus: boolean; // 1.0
  readonly floats: boolean; // 1.0: whole doubles print as 1.0
  readonly leaderInfo: boolean; // 1.1
  readonly recovery: boolean; // 1.2: recovered_slaves, unreachable_tasks, connected, recovered, container_id
  readonly taskRole: boolean; // 1.3
  readonly addressProtocol: boolean; // 1.5: the protocol's default is written
  readonly agentCapabilities: boolean; // 1.5
  readonly agentPort: boolean; // 1.8
  readonly deactivated: boolean; // 1.9
  readonly offerConstraints: boolean; // 1.11
}

export function featuresOf(version: string): MesosFeatures {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const number = major * 1000 + minor;
  const since = (wanted: number): boolean => number >= wanted;
  return {
    version,
    plainPaths: since(25),
    jsonPaths: !since(1008),
    redirects: since(1000),
    redirectsKeepQuery: version !== '1.0.0',
    schemeInRedirect: !since(23),
    operatorApi: since(1000),
    frameworkPid: since(23),
    statusDetails: since(25),
    healthy: since(26),
    addressList: since(26),
    singleAddress: since(25) && !since(1000),
    container: since(27),
    gpus: since(1000),
    floats: since(1000),
    leaderInfo: since(1001),
    recovery: since(1002),
    taskRole: since(1003),
    addressProtocol: since(1005),
    agentCapabilities: since(1005),
    agentPort: since(1008),
    deactivated: since(1009),
    offerConstraints: since(1011),
  };
}
