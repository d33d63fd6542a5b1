// The entry of a UDP worker: the batched driver over the core. It blocks in the kernel and never returns to its event loop.

import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { BATCH_MAX } from '../engine/contract.ts';
import { instantiateCore } from '../engine/core.ts';
import { awaitTable, workerViews } from '../engine/memory.ts';
import { ForwardRing } from '../sockets/forward-ring.ts';
import { loadLibc } from '../sockets/libc.ts';
import { QuerySampler } from '../sockets/query-sampler.ts';
import { Throttle, withCount } from '../sockets/service.ts';
import { type ForwardTarget, serveUdp } from '../sockets/udp-batched.ts';
import { ORDER_STOP, UdpControl } from '../sockets/udp-control.ts';
import type { UdpSocket } from '../sockets/udp-sockets.ts';
import { FAULT_VARIABLE, faultAtBatch } from './fault.ts';
import type { ForwardTo, ForwardWay, UdpReport, UdpWorkerSettings } from './messages.ts';
import { takePriority, takeShortTurns } from './priority.ts';

if (parentPort !== null) void serve(workerData as UdpWorkerSettings, parentPort);

async function serve(settings: UdpWorkerSettings, main: MessagePort): Promise<void> {
  const { module, memory, worker, seed } = settings;
  takePriority(settings.priority);
  const libc = await loadLibc();
  takeShortTurns(libc);
  const core = instantiateCore(module, memory);
  const views = workerViews(memory, worker, BATCH_MAX);
  views.random[0] = seed;
  const report = (message: UdpReport) => main.postMessage(message);
  const throttle = new Throttle();
  let forwardTo = targetOf(settings.forwardTo);
  let { sockets } = settings;
  let next: ForwardTo | null = null;
  const takeNext = () => {
    if (next === null) return;
    forwardTo.close();
    forwardTo = targetOf(next.way);
    sockets = next.sockets;
    next = null;
  };

  const control = new UdpControl(settings.control);
  // What arrives before there is a table waits in the socket.
  awaitTable(memory, () => control.order === ORDER_STOP);
  report({ kind: 'serving' });
  serveUdp({
    libc,
    core,
    views,
    sockets,
    control,
    bell: settings.bell,
    readMessages: () => {
      for (let got = receiveMessageOnPort(main); got !== undefined; got = receiveMessageOnPort(main)) {
        next?.way.port.close();
        next = got.message as ForwardTo;
      }
      if (next === null || !isSame(next.sockets, sockets)) return next?.sockets ?? null;
      takeNext();
      return null;
    },
    serves: () => {
      takeNext();
      report({ kind: 'changed' });
    },
    forwardTo: () => forwardTo,
    sampler: new QuerySampler((query) => report({ kind: 'query', query })),
    onTrouble: (what, error) => {
      const held = throttle.passes(what);
      if (held !== null) report({ kind: 'trouble', what: withCount(what, held), error });
    },
    faultAtBatch: faultAtBatch(worker, process.env[FAULT_VARIABLE]),
  });
  forwardTo.close();
}

function targetOf({ ring, port }: ForwardWay): ForwardTarget & { close(): void } {
  return { ring: new ForwardRing(ring), wake: () => port.postMessage(null), close: () => port.close() };
}

/** A way tells sockets by their places in the list. */
function isSame(one: readonly UdpSocket[], other: readonly UdpSocket[]): boolean {
  return one.length === other.length && one.every(({ fd }, i) => fd === other[i]?.fd);
}
