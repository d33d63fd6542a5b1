// Checks the files that a configuration names, so that a bad one is found at start and not at the first use.

import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { JsonObject, JsonSyntaxError, parseJson } from './json.ts';
import { fileTrouble, type Problems, quote } from './problems.ts';
import type { Settings } from './schema.ts';
import type { Surroundings } from './surroundings.ts';

type FileKey = 'caCertFile' | 'forwardCaCertFile' | 'certFile' | 'keyFile' | 'iamConfigFile' | 'mesosSecretFrom';

/** `~/` at the beginning of a path is the home directory, `credential:NAME` a credential that systemd hands over. */
export function expandPath(path: string, surroundings: Surroundings): string {
  const credential = /^credential:([^/]+)$/.exec(path)?.[1];
  // Without a directory the path stays, which then is a file that does not exist.
  const directory = surroundings.environment('CREDENTIALS_DIRECTORY');
  if (credential !== undefined && directory !== undefined) return `${directory}/${credential}`;
  return path.startsWith('~/') ? surroundings.homeDirectory() + path.slice(1) : path;
}

/** Certificates and keys for HTTPS towards the masters: present in pairs, readable, usable, belonging together. */
export async function checkTlsFiles(settings: Settings, surroundings: Surroundings, problems: Problems): Promise<void> {
  const { certFile, keyFile } = settings;
  if (settings.mesosHTTPSOn && settings.caCertFile === '') {
    problems.warn('mesosHTTPSOn', 'any certificate of a master is accepted, as caCertFile is not set');
  }
  if (certFile !== '' && keyFile === '') problems.refuse('keyFile', 'the private key of certFile', 'nothing');
  if (certFile === '' && keyFile !== '') problems.refuse('certFile', 'the certificate of keyFile', 'nothing');

  await checkAuthorities('caCertFile', settings, surroundings, problems);

  const chain = await readText('certFile', settings, surroundings, problems);
  const certificate = chain === null ? null : certificateOf(pemBlocks(chain)[0] ?? '');
  if (chain !== null && certificate === null) {
    problems.refuse('certFile', 'a PEM file that begins with a certificate', quote(certFile));
  }

  const pem = await readText('keyFile', settings, surroundings, problems);
  const key = pem === null ? null : privateKeyOf(pem);
  if (pem !== null && key === null) {
    problems.refuse('keyFile', 'a PEM file with a private key without a passphrase', quote(keyFile));
  }

  if (certificate !== null && key !== null && !certificate.checkPrivateKey(key)) {
    problems.refuse(
      'keyFile',
      `the private key of the certificate in ${quote(certFile)}`,
      `another key in ${quote(keyFile)}`,
    );
  }
}

/**
 * A file with certificates of authorities.
 * @returns its text; null where the key is not set, or there is a problem with it
 */
export async function checkAuthorities(
  key: 'caCertFile' | 'forwardCaCertFile',
  settings: Settings,
  surroundings: Surroundings,
  problems: Problems,
): Promise<string | null> {
  const authorities = await readText(key, settings, surroundings, problems);
  if (authorities === null || pemBlocks(authorities).some((block) => certificateOf(block) !== null)) return authorities;
  problems.refuse(key, 'a PEM file with at least one certificate', quote(settings[key]));
  return null;
}

/** What the chosen authentication needs is there; what is there without being used is a warning. */
export async function checkAuthentication(
  settings: Settings,
  surroundings: Surroundings,
  problems: Problems,
): Promise<void> {
  const { mesosAuthentication, mesosCredentials, iamConfigFile } = settings;
  if (mesosAuthentication === 'basic' && mesosCredentials.principal === '') {
    problems.refuse('mesosCredentials', 'a principal, as mesosAuthentication is "basic"', 'none');
  }
  if (mesosAuthentication === 'iam' && iamConfigFile === '') {
    problems.refuse('iamConfigFile', 'a file, as mesosAuthentication is "iam"', 'none');
  }
  if (mesosAuthentication === '') {
    const unused = 'given, but not used, as mesosAuthentication is empty';
    if (mesosCredentials.principal !== '' || mesosCredentials.secret !== '') problems.warn('mesosCredentials', unused);
    if (settings.mesosSecretFrom !== '') problems.warn('mesosSecretFrom', unused);
    if (iamConfigFile !== '') problems.warn('iamConfigFile', unused);
  }
  const text = await readText('iamConfigFile', settings, surroundings, problems);
  if (text !== null) checkIamFile(text, iamConfigFile, problems);
}

export interface Secret {
  readonly secret: string;
  /** '' where it does not come from a file. */
  readonly file: string;
}

/** The secret of `mesosCredentials`, from wherever the configuration says it is. */
export async function readSecret(settings: Settings, surroundings: Surroundings, problems: Problems): Promise<Secret> {
  const { mesosSecretFrom: from, mesosCredentials } = settings;
  if (from === '') return { secret: mesosCredentials.secret, file: '' };
  if (mesosCredentials.secret !== '') {
    problems.refuse('mesosSecretFrom', 'one secret', 'another one in mesosCredentials');
  }
  const variable = /^env:(.*)$/.exec(from)?.[1];
  const text =
    variable === undefined
      ? await readText('mesosSecretFrom', settings, surroundings, problems)
      : surroundings.environment(variable);
  if (text === undefined) problems.refuse('mesosSecretFrom', 'a variable of the environment', quote(from));
  const secret = secretIn(text ?? '');
  if (typeof text === 'string' && secret === '')
    problems.refuse('mesosSecretFrom', 'a secret', `none in ${quote(from)}`);
  return { secret, file: variable === undefined ? expandPath(from, surroundings) : '' };
}

/** A file of a secret may end with a line break, which is no part of it. */
export function secretIn(text: string): string {
  return text.replace(/^\ufeff/, '').replace(/\r?\n$/, '');
}

/** The account file of DC/OS's identity service. Its content is secret: only member names appear in messages. */
function checkIamFile(text: string, path: string, problems: Problems): void {
  const members = iamMembers(text, path, problems);
  if (members === null) return;
  const { uid, private_key: privateKey, login_endpoint: endpoint } = members;
  const where = `iamConfigFile ${quote(path)}`;
  if (uid === '') problems.refuse(where, 'the string "uid"', 'none');
  if (privateKeyOf(privateKey)?.asymmetricKeyType !== 'rsa') {
    problems.refuse(
      where,
      'an RSA private key in PEM form as "private_key"',
      privateKey === '' ? 'none' : 'something else',
    );
  }
  if (!/^https?:$/.test(URL.canParse(endpoint) ? new URL(endpoint).protocol : '')) {
    problems.refuse(where, 'an http or https URL as "login_endpoint"', endpoint === '' ? 'none' : 'something else');
  }
}

const IAM_MEMBERS = ['uid', 'private_key', 'login_endpoint'] as const;
type IamMembers = Record<(typeof IAM_MEMBERS)[number], string>;

function iamMembers(text: string, path: string, problems: Problems): IamMembers | null {
  const members: IamMembers = { uid: '', private_key: '', login_endpoint: '' };
  try {
    const document = parseJson(text.replace(/^\ufeff/, ''));
    if (!(document instanceof JsonObject)) {
      problems.refuse('iamConfigFile', 'a file with a JSON object', `something else in ${quote(path)}`);
      return null;
    }
    for (const { key, value } of document.members) {
      const name = IAM_MEMBERS.find((known) => known === key.toLowerCase());
      if (name !== undefined && typeof value === 'string') members[name] = value;
    }
    return members;
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    problems.refuse('iamConfigFile', 'a JSON file', `${quote(path)}, ${error.message}`);
    return null;
  }
}

/** null where the key is not set, or the file cannot be read (which is then a problem). */
async function readText(
  key: FileKey,
  settings: Settings,
  surroundings: Surroundings,
  problems: Problems,
): Promise<string | null> {
  const path = settings[key];
  if (path === '') return null;
  try {
    return new TextDecoder().decode(await surroundings.readFile(expandPath(path, surroundings)));
  } catch (error) {
    problems.refuse(key, 'a file that can be read', `${shownPath(key, path)} (${fileTrouble(error)})`);
    return null;
  }
}

/** What stands in the place of a path that cannot be read may be the secret itself, or the key. */
function shownPath(key: FileKey, path: string): string {
  if (/^\s*[[{]|-----BEGIN|\n/.test(path)) return 'what belongs into that file';
  const isPath = key !== 'mesosSecretFrom' || /^(?:~?\/|credential:)/.test(path);
  return isPath ? quote(path) : 'a text that may be the secret itself';
}

function pemBlocks(text: string): readonly string[] {
  return text.match(/-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/gs) ?? [];
}

function certificateOf(pem: string): X509Certificate | null {
  try {
    return new X509Certificate(pem);
  } catch {
    return null;
  }
}

function privateKeyOf(pem: string): KeyObject | null {
  try {
    return createPrivateKey(pem);
  } catch {
    return null;
  }
}
