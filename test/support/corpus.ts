// The corpus of state documents with the records that Mesos-DNS derives: copies in test/fixtures/corpus, and the directory
// that MESOS_DNS_CORPUS names, where it is set (it holds documents that are not ours to copy).

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config } from '../../src/config/config.ts';
import type { DeriveInput } from '../../src/records/derive.ts';
import type { MesosState } from '../../src/state/model.ts';

export const VARIANTS = {
  default: { IPSources: ['netinfo', 'mesos', 'host'], enforceRFC952: false },
  host: { IPSources: ['host'], enforceRFC952: false },
  docker: { IPSources: ['docker', 'netinfo', 'host'], enforceRFC952: false },
  rfc952: { IPSources: ['netinfo', 'mesos', 'host'], enforceRFC952: true },
} as const satisfies Record<string, Pick<Config, 'IPSources' | 'enforceRFC952'>>;

export type Variant = keyof typeof VARIANTS;

export interface Expected {
  readonly config: { readonly masters: readonly string[] };
  readonly errorKind?: 'reload' | 'panic' | 'fatal';
  readonly axfr?: ExpectedAxfr;
  readonly enumerate?: ExpectedEnumerate;
}

export interface ExpectedAxfr {
  readonly Records: {
    readonly As: Record<string, string[]>;
    readonly AAAAs: Record<string, string[]>;
    readonly SRVs: Record<string, string[]>;
  };
}

export interface ExpectedEnumerate {
  readonly frameworks: readonly ExpectedFramework[] | null;
}

export interface ExpectedFramework {
  readonly name: string;
  readonly tasks: readonly {
    id: string;
    name: string;
    records: { name: string; host: string; rtype: string }[] | null;
  }[];
}

export interface CorpusCase {
  /** `syn-names-plain`, or a path below `real-mesos` without its ending. */
  readonly document: string;
  readonly variant: Variant;
  readonly bytes: Uint8Array;
  /** The `masters` of the configuration that Mesos-DNS was run with on it. */
  readonly masters: readonly string[];
  readonly expected: Expected;
}

const FIXTURES = fileURLToPath(new URL('../../../test/fixtures/corpus/', import.meta.url));

/** The directories to read, ours first. */
export function corpusDirectories(): string[] {
  const named = process.env['MESOS_DNS_CORPUS'];
  return named === undefined || named === '' ? [FIXTURES] : [FIXTURES, named];
}

/** The octets of a document among the fixtures, `syn-leader-empty` for example. */
export function fixtureDocument(name: string): Uint8Array {
  return readFileSync(join(FIXTURES, 'states', `${name}.json`));
}

/** Every document below a corpus directory with every variant that it has an expectation for. */
export function loadCorpus(directory: string): CorpusCase[] {
  return [...loadStates(directory), ...loadRealMesos(directory)];
}

function loadStates(directory: string): CorpusCase[] {
  return readdirSync(join(directory, 'states'))
    .map((file) => basename(file, '.json'))
    .sort()
    .flatMap((document) => {
      const bytes = readFileSync(join(directory, 'states', `${document}.json`));
      return Object.keys(VARIANTS).map((variant) => {
        const expected = readJson(join(directory, 'expected', `${document}.${variant}.json`)) as Expected;
        return { document, variant: variant as Variant, bytes, masters: expected.config.masters, expected };
      });
    });
}

function loadRealMesos(directory: string): CorpusCase[] {
  const root = join(directory, 'real-mesos');
  if (!existsSync(root)) return [];
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.records.json'))
    .sort()
    .map((file) => {
      const document = join(dirname(file), basename(file, '.records.json'));
      const bytes = readFileSync(join(root, `${document}.json`));
      const expected = readJson(join(root, file)) as Expected;
      return { document, variant: 'default' as const, bytes, masters: expected.config.masters, expected };
    });
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'));
}

/** Everything that the corpus' configurations have in common. */
export const CORPUS_CONFIG = {
  domain: 'mesos',
  SOAMname: 'ns1.mesos',
  SOARname: 'root.ns1.mesos',
  ttl: 60,
  refreshSeconds: 1,
  reverseDNSOn: false,
  dottedNames: true,
  slaveNamedPorts: false,
  healthAware: false,
} as const;

/** The corpus was made where only `localhost` could be resolved. */
export function corpusHostAddresses(host: string): readonly string[] {
  return host === 'localhost' ? ['127.0.0.1', '::1'] : [];
}

/** What Mesos-DNS was run with, around a state. */
export function corpusInput(
  state: MesosState,
  { variant = 'default', masters }: { readonly variant?: Variant; readonly masters: readonly string[] },
): DeriveInput & { readonly config: typeof CORPUS_CONFIG } {
  return {
    state,
    config: { ...CORPUS_CONFIG, ...VARIANTS[variant] },
    hostAddresses: corpusHostAddresses,
    masters,
    nameServerAddresses: ['127.0.0.1'],
  };
}

/** A document as a client gets it: maps are objects. */
export function asSent(document: unknown): unknown {
  return JSON.parse(JSON.stringify(document, (_, value) => (value instanceof Map ? Object.fromEntries(value) : value)));
}
