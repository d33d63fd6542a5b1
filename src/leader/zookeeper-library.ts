// The ZooKeeper library, loaded when it is used for the first time: it takes its time to load, and a program that is told
// its masters by the configuration never uses it.

import { createRequire } from 'node:module';

type Library = typeof import('node-zookeeper-client');

const load = createRequire(import.meta.url);
let loaded: Library | null = null;

export function zookeeperLibrary(): Library {
  loaded ??= load('node-zookeeper-client') as Library;
  return loaded;
}
