// The word by which the forwarder's thread tells the one that waits for datagrams (upstream-watcher.ts) what to do.

export interface WatcherSettings {
  /** The descriptor of the epoll instance to wait for. */
  readonly epoll: number;
  /**
   * Two words. The order, WATCHER_…: written by the forwarder's thread, and by the watcher where it announces something.
   * Then 0 while the watcher loads the C library, 1 afterwards.
   */
  readonly words: Int32Array;
}

export const WATCHER_WORDS = 2;
const LOADED = 1;
/** Loading takes a tenth of a second, and several on a machine that has other things to do. */
const LOADING_LIMIT_MS = 5000;

export const WATCHER_REST = 0;
/** Announce, with one message, that there is something to be read. The first message of all says that it is ready. */
export const WATCHER_WATCH = 1;
export const WATCHER_STOP = 2;

/** By the watcher. */
export function watcherLoaded(words: Int32Array): void {
  Atomics.store(words, LOADED, 1);
  Atomics.notify(words, LOADED);
}

/**
 * By the forwarder's thread before it ends, which ends the watcher too: koffi ends the whole process where its thread is
 * ended while it loads.
 */
export function awaitLoadedWatcher(words: Int32Array): void {
  Atomics.wait(words, LOADED, 0, LOADING_LIMIT_MS);
}

/** By the forwarder's thread. */
export function orderWatcher(words: Int32Array, order: number): void {
  if (Atomics.exchange(words, 0, order) !== order && order !== WATCHER_REST) Atomics.notify(words, 0);
}
