// A small public key infrastructure, made by openssl anew for every run: authorities, and what they sign.

import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { requirePackages } from './debian.ts';

const run = promisify(execFile);

export interface Credentials {
  readonly certFile: string;
  readonly keyFile: string;
  readonly cert: string;
  readonly key: string;
}

export class Authority {
  readonly file: string;
  readonly #directory: string;
  #count = 0;

  static async create(name: string): Promise<Authority> {
    await requirePackages('openssl');
    const directory = mkdtempSync(join(tmpdir(), 'mesos-dns-pki-'));
    process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
    const authority = new Authority(directory);
    await openssl([
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
      ...['-subj', `/CN=${name}`, '-addext', 'keyUsage=critical,keyCertSign'],
      ...['-keyout', join(directory, 'ca.key'), '-out', authority.file],
    ]);
    return authority;
  }

  private constructor(directory: string) {
    this.#directory = directory;
    this.file = join(directory, 'ca.pem');
  }

  get text(): string {
    return readFileSync(this.file, 'utf8');
  }

  /** @param subjectAltName as openssl writes it: `IP:127.0.0.1`, `DNS:localhost` */
  async issue(name: string, subjectAltName = 'IP:127.0.0.1'): Promise<Credentials> {
    this.#count += 1;
    const base = join(this.#directory, `${this.#count}-${name}`);
    const [keyFile, requestFile, certFile, extensionFile] = ['key', 'csr', 'pem', 'ext'].map(
      (end) => `${base}.${end}`,
    ) as [string, string, string, string];
    writeFileSync(extensionFile, `subjectAltName=${subjectAltName}\n`);
    await openssl([
      ...['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', `/CN=${name}`],
      ...['-keyout', keyFile, '-out', requestFile],
    ]);
    await openssl([
      ...['x509', '-req', '-in', requestFile, '-days', '2', '-extfile', extensionFile, '-out', certFile],
      ...['-CA', this.file, '-CAkey', join(this.#directory, 'ca.key'), '-CAcreateserial'],
    ]);
    return { certFile, keyFile, cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
  }
}

async function openssl(args: readonly string[]): Promise<void> {
  await run('openssl', args);
}
