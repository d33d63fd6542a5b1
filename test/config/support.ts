// Loads configurations from memory, in a world where only these names resolve and only these files exist.

import { type LoadedConfig, loadConfig } from '../../src/config/load.ts';
import type { Surroundings } from '../../src/config/surroundings.ts';
import { MesosDnsError } from '../../src/errors.ts';

export interface World {
  readonly files?: Readonly<Record<string, string>>;
  readonly names?: Readonly<Record<string, readonly string[]>>;
  readonly interfaces?: readonly string[];
  readonly resolvConf?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** The smallest configuration that is usable. */
export const minimal = { masters: ['10.0.0.1:5050'] };

export function surroundingsOf(world: World): Surroundings {
  return {
    readFile: async (path) => {
      const text = world.files?.[path];
      if (text === undefined) throw Object.assign(new Error('missing'), { code: 'ENOENT' });
      return Buffer.from(text);
    },
    homeDirectory: () => '/home/operator',
    environment: (name) => world.environment?.[name],
    resolvConf: async () => {
      if (world.resolvConf === undefined) throw Object.assign(new Error('missing'), { code: 'ENOENT' });
      return world.resolvConf;
    },
    interfaceAddresses: () => world.interfaces ?? ['127.0.0.1', '::1', '10.0.0.9'],
    lookup: async (host) => {
      const addresses = world.names?.[host];
      if (addresses === undefined) throw Object.assign(new Error('not found'), { code: 'ENOTFOUND' });
      return addresses;
    },
  };
}

/** Loads a file with this text. */
export function loadText(text: string, world: World = {}): Promise<LoadedConfig> {
  return loadConfig('config.json', surroundingsOf({ ...world, files: { ...world.files, 'config.json': text } }));
}

/** Loads a file with this object. */
export function load(values: object, world: World = {}): Promise<LoadedConfig> {
  return loadText(JSON.stringify(values), world);
}

/** The message with which a file is refused; fails where it is not. */
export async function refusalOf(text: string, world: World = {}): Promise<string> {
  try {
    await loadText(text, world);
  } catch (error) {
    if (error instanceof MesosDnsError && error.code === 'ERR_CONFIG') return error.message;
    throw error;
  }
  throw new Error(`this configuration was accepted: ${text}`);
}
