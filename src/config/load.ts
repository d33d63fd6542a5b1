// Loads the configuration file: reads it, checks everything in it, looks host names up, and freezes the result.

import { isIP } from 'node:net';
import type { Config } from './config.ts';
import { checkAuthentication, checkAuthorities, checkTlsFiles, expandPath, readSecret } from './files.ts';
import { resolveListeners, resolveMasters, systemResolvers } from './hosts.ts';
import { JsonObject, JsonSyntaxError, parseJson } from './json.ts';
import { describe, fileTrouble, Problems, quote } from './problems.ts';
import { type ReadSettings, readSettings } from './settings.ts';
import { machine, type Surroundings } from './surroundings.ts';
import { type Checked, validate } from './validate.ts';

export interface LoadedConfig {
  /** Frozen, down to its lists. */
  readonly config: Config;
  /** One line each, naming the key; for the log. */
  readonly warnings: readonly string[];
}

/**
 * Loads and checks a configuration file. `~/` at the beginning of file paths is the home directory.
 *
 * Where the original was lenient, so is this: keys match without regard to case; a value of null counts as not set; of a
 * key that stands twice (in whatever spelling) the last one counts, with a warning. Beyond the original, 60.0 is taken
 * as the integer 60, and a UTF-8 byte order mark is skipped. A number in a string is refused.
 *
 * @param deps what to ask instead of the machine.
 * @throws MesosDnsError (ERR_CONFIG) with everything that is wrong in one line. It never holds a password.
 */
export async function loadConfig(path: string, deps: Partial<Surroundings> = {}): Promise<LoadedConfig> {
  const surroundings = { ...machine, ...deps };
  const problems = new Problems();
  const root = await readObject(path, surroundings, problems);
  if (root === null) return problems.fail(path);

  const read = await followZkFile(readSettings(root, problems), surroundings, problems);
  const checked = validate(read, problems);
  await checkTlsFiles(read.settings, surroundings, problems);
  await checkAuthentication(read.settings, surroundings, problems);
  const config = await complete(path, read, checked, surroundings, problems);
  if (problems.errors.length > 0) return problems.fail(path);
  return { config: deepFreeze(config), warnings: problems.warnings };
}

async function readObject(path: string, surroundings: Surroundings, problems: Problems): Promise<JsonObject | null> {
  let bytes: Uint8Array;
  try {
    bytes = await surroundings.readFile(expandPath(path, surroundings));
  } catch (error) {
    problems.errors.push(`cannot read the configuration file: ${fileTrouble(error)}`);
    return null;
  }
  const text = decode(bytes, problems);
  if (text === null || text.trim() === '') {
    problems.errors.push(`expected a JSON object, but the file ${text === null ? 'is written in UTF-16' : 'is empty'}`);
    return null;
  }
  try {
    const document = parseJson(text);
    if (document instanceof JsonObject) return document;
    problems.errors.push(`expected a JSON object, got ${describe(document)}`);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    problems.errors.push(error.message);
  }
  return null;
}

/** null for UTF-16. A UTF-8 byte order mark is dropped. */
function decode(bytes: Uint8Array, problems: Problems): string | null {
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    problems.warnings.push('the file is not valid UTF-8; what is not is read as U+FFFD');
    return new TextDecoder().decode(bytes);
  }
}

/** `zk` may name a file that holds the URL, as in the original, or a variable of the environment or a credential. */
async function followZkFile(read: ReadSettings, surroundings: Surroundings, problems: Problems): Promise<ReadSettings> {
  const source = read.settings.zk.trim();
  const variable = /^env:(.+)$/.exec(source)?.[1];
  const credential = source.startsWith('credential:') ? expandPath(source, surroundings) : undefined;
  const path = /^file:\/\/(.*)$/.exec(source)?.[1] ?? credential;
  if (path === undefined && variable === undefined) return read;
  const withZk = (zk: string): ReadSettings => ({ ...read, settings: { ...read.settings, zk } });
  try {
    const zk =
      path === undefined
        ? (surroundings.environment(variable ?? '') ?? '')
        : new TextDecoder().decode(await surroundings.readFile(path));
    if (zk.trim() !== '') return withZk(zk);
    problems.refuse('zk', 'something that holds the URL', `nothing in ${quote(path ?? source)}`);
  } catch (error) {
    problems.refuse('zk', 'a file that can be read', `${quote(path ?? source)} (${fileTrouble(error)})`);
  }
  return { ...withZk(''), refused: new Set([...read.refused, 'zk']) };
}

/** Looks up what has to be looked up and puts the result together. */
async function complete(
  file: string,
  { settings, given }: ReadSettings,
  checked: Checked,
  surroundings: Surroundings,
  problems: Problems,
): Promise<Config> {
  const masters = await resolveMasters(checked.masters, surroundings, problems);
  const listener = await resolveListeners('listener', settings.listener, surroundings, problems);
  // An empty httpListener meant every address in the original.
  const httpText = settings.httpListener === '' ? '0.0.0.0' : settings.httpListener;
  const httpListeners = await resolveListeners('httpListener', [httpText], surroundings, problems);
  const httpListener = httpListeners.find((address) => isIP(address) === 4) ?? httpListeners[0] ?? httpText;
  const askSystem = settings.externalOn && settings.resolvers.length === 0;
  const resolvers = askSystem ? await systemResolvers(surroundings, problems) : checked.resolvers;
  const forwardAuthorities = await checkAuthorities('forwardCaCertFile', settings, surroundings, problems);
  const { secret, file: mesosSecretFile } = await readSecret(settings, surroundings, problems);
  const exits = given.has('zkDetectionTimeout') && settings.zkDetectionTimeout > 0;
  const config: Config = {
    ...settings,
    ...checked,
    file,
    masters,
    listener,
    httpListener,
    resolvers,
    followsResolvConf: askSystem,
    forwardPolicy: policyOf(settings.forwardPolicy),
    forwardAuthorities,
    mesosCredentials: { principal: settings.mesosCredentials.principal, secret },
    mesosSecretFile,
    mesosAuthentication: authenticationOf(settings.mesosAuthentication),
    io: ioOf(settings.io),
    follow: followOf(settings.follow),
    logFormat: logFormatOf(settings.logFormat),
    queryLogSample: settings.queryLogSample,
    exitWithoutLeaderSeconds: exits ? settings.zkDetectionTimeout : null,
    iamConfigFile: expandPath(settings.iamConfigFile, surroundings),
    caCertFile: expandPath(settings.caCertFile, surroundings),
    forwardCaCertFile: expandPath(settings.forwardCaCertFile, surroundings),
    certFile: expandPath(settings.certFile, surroundings),
    keyFile: expandPath(settings.keyFile, surroundings),
  };
  checkPorts(config, problems);
  warnAboutLoops(config, surroundings, problems);
  return config;
}

/** The schema lets no other word through. */
function followOf(text: string): Config['follow'] {
  return text === 'stream' || text === 'poll' ? text : 'auto';
}

function ioOf(text: string): Config['io'] {
  return text === 'batched' || text === 'dgram' ? text : 'auto';
}

function logFormatOf(text: string): Config['logFormat'] {
  return text === 'text' || text === 'journal' || text === 'json' ? text : 'auto';
}

function policyOf(text: string): Config['forwardPolicy'] {
  return text === 'fastest' || text === 'random' ? text : 'sequential';
}

function authenticationOf(text: string): Config['mesosAuthentication'] {
  return text === 'basic' || text === 'iam' ? text : '';
}

/** DNS over TCP and HTTP cannot share an address and a port. */
function checkPorts({ dnsOn, httpOn, port, httpPort, listener, httpListener }: Config, problems: Problems): void {
  if (!dnsOn || !httpOn || port !== httpPort) return;
  const clash = listener.find((address) => address === httpListener || isWildcard(address) || isWildcard(httpListener));
  if (clash !== undefined)
    problems.refuse('httpPort', 'a port other than that of DNS on the same address', `${httpPort} for both`);
}

/** Queries forwarded to this very server would come back until they time out. */
function warnAboutLoops(config: Config, surroundings: Surroundings, problems: Problems): void {
  if (!config.dnsOn) return;
  const zones = Object.entries(config.zoneResolvers).map(
    ([zone, servers]) => [`zoneResolvers[${quote(zone)}]`, servers] as const,
  );
  for (const [key, servers] of [['resolvers', config.resolvers] as const, ...zones]) {
    for (const server of servers) {
      const host = server.slice(0, server.lastIndexOf(':')).replace(/^\[(.*)\]$/, '$1');
      const isListened = config.listener.some(
        (address) => address === host || (isWildcard(address) && surroundings.interfaceAddresses().includes(host)),
      );
      if (isListened && server.endsWith(`:${config.port}`)) {
        problems.warn(key, `${quote(server)} is this server itself; queries sent there come back`);
      }
    }
  }
}

function isWildcard(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const part of Object.values(value)) deepFreeze(part);
    Object.freeze(value);
  }
  return value;
}
