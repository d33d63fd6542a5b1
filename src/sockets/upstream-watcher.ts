// The entry of the thread that waits for datagrams of upstreams while the forwarder's thread has nothing to do: the event
// loop of Node cannot wait for sockets that it did not open.

import { parentPort, workerData } from 'node:worker_threads';
import { loadLibc, POLLFD_EVENTS, POLLFD_RETURNED, POLLFD_SIZE, POLLIN } from './libc.ts';
import { WATCHER_REST, WATCHER_STOP, WATCHER_WATCH, type WatcherSettings, watcherLoaded } from './upstream-watch.ts';

/** A process that ends waits for its threads; while this one waits for datagrams it looks at its word so often. */
const LOOK_MS = 200;

if (parentPort !== null) void watch(workerData as WatcherSettings, () => parentPort?.postMessage(null));

async function watch({ epoll, words }: WatcherSettings, announce: () => void): Promise<void> {
  const poll = await preparePoll(epoll).finally(() => watcherLoaded(words));
  announce();
  for (;;) {
    Atomics.wait(words, 0, WATCHER_REST);
    const order = Atomics.load(words, 0);
    if (order === WATCHER_STOP) return;
    if (order === WATCHER_REST || poll() <= 0) continue;
    if (Atomics.compareExchange(words, 0, WATCHER_WATCH, WATCHER_REST) === WATCHER_WATCH) announce();
  }
}

async function preparePoll(epoll: number): Promise<() => number> {
  const libc = await loadLibc();
  const pollFd = new DataView(new ArrayBuffer(POLLFD_SIZE));
  pollFd.setInt32(0, epoll, true);
  pollFd.setInt16(POLLFD_EVENTS, POLLIN, true);
  const pollPtr = libc.addressOf(pollFd.buffer);
  return () => {
    // So that it is kept as long as the kernel writes into it.
    pollFd.setInt16(POLLFD_RETURNED, 0, true);
    return libc.poll(pollPtr, 1, LOOK_MS);
  };
}
