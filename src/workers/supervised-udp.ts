// The UDP workers of the batched driver, kept running on sockets that stay: one that ends leaves its sockets, and what waits
// there, to the one that is started in its place.

import { MessageChannel } from 'node:worker_threads';
import { Bell } from '../sockets/bell.ts';
import { createForwardRing } from '../sockets/forward-ring.ts';
import type { Libc } from '../sockets/libc.ts';
import type { SampledQuery } from '../sockets/query-sampler.ts';
import type { Endpoint, Place } from '../sockets/service.ts';
import { COUNTERS, createControlBuffer, ORDER_STOP, UdpControl, type UdpCounter } from '../sockets/udp-control.ts';
import { RECEIVE_TIMEOUT_MS, type UdpSocket, UdpSockets } from '../sockets/udp-sockets.ts';
import { wakeReceivers } from '../sockets/wake.ts';
import type { CoreBlocks } from './core-blocks.ts';
import type { ForwardTo, ForwardWay, UdpReport, UdpWorkerSettings } from './messages.ts';
import type { AttachOrder } from './supervised-stream.ts';
import { SupervisedThread, type ThreadOptions } from './supervised-thread.ts';

/** What a reload may change. */
export interface UdpTuning {
  readonly places: readonly Place[];
  /** 0: as the system sets them. */
  readonly receiveBufferBytes: number;
  readonly sendBufferBytes: number;
  /** One of so many queries is reported; 0: none. */
  readonly queryLogSample: number;
}

export interface SupervisedUdpOptions extends Pick<ThreadOptions<UdpReport>, 'onRestart' | 'logger'> {
  readonly libc: Libc;
  readonly workers: number;
  readonly blocks: CoreBlocks;
  /** Gives the stream thread the other end of the way that a worker forwards queries by. */
  readonly attach: (order: AttachOrder) => void;
  readonly onQuery: (query: SampledQuery) => void;
}

/** A change of sockets that can be taken back. */
export interface SocketChange {
  /** Resolves when no worker reads the sockets given up. */
  done(): Promise<void>;
  undo(): void;
}

interface UdpWorker {
  readonly thread: SupervisedThread<UdpReport>;
  readonly controlBuffer: SharedArrayBuffer;
  readonly control: UdpControl;
  /** Rung after every order. */
  readonly bell: Bell;
  /** Called when it serves the sockets that it was told of last. */
  onChanged: (() => void) | null;
}

const STOP_MARGIN_MS = 1000;
/** For a worker to see the order and to answer what its sockets hold. */
export const UDP_STOP_MS = RECEIVE_TIMEOUT_MS + STOP_MARGIN_MS;
/** For a worker to go over to other sockets. */
const CHANGE_LIMIT_MS = 5000;
/** For queries that came to sockets given up and were forwarded: longer than that may take. */
const RETIRE_MS = 5000;

export class SupervisedUdp {
  readonly #options: SupervisedUdpOptions;
  readonly #workers: readonly UdpWorker[];
  #sockets: UdpSockets;
  /** Given up, and open until nobody can send from them any more. */
  readonly #retired = new Set<{ sockets: UdpSockets }>();
  #isOpen = true;
  /** A process that ends waits for its threads, whatever it ends for. */
  readonly #onExit = () => this.#giveStop();

  /** Opens the sockets; throws ERR_LISTEN. */
  constructor(options: SupervisedUdpOptions, tuning: UdpTuning) {
    this.#options = options;
    this.#sockets = this.#open(tuning);
    this.#workers = Array.from({ length: options.workers }, (_, i) => this.#createWorker(i));
    for (const { control } of this.#workers) control.sample(tuning.queryLogSample);
    process.once('exit', this.#onExit);
  }

  get endpoints(): readonly Endpoint[] {
    return this.#sockets.endpoints;
  }

  /** Of all workers since start. */
  get counters(): Readonly<Record<UdpCounter, number>> {
    return sumOf(this.#workers.map(({ control }) => control.counters));
  }

  async start(): Promise<void> {
    await Promise.all(this.#workers.map(({ thread }) => thread.start()));
  }

  /** Prepares a change to other settings: what stays is not touched. Throws ERR_LISTEN, and goes on as before. */
  change(tuning: UdpTuning): SocketChange {
    const last = this.#sockets;
    const open = [last, ...[...this.#retired].map(({ sockets }) => sockets)];
    const next = this.#open(tuning, open);
    const opened = open.reduce((left, each) => left.without(each), next);
    const takenAgain = next.without(last).without(opened);
    for (const each of this.#retired) each.sockets = each.sockets.without(takenAgain);
    const done = async () => {
      for (const { control } of this.#workers) control.sample(tuning.queryLogSample);
      this.#sockets = next;
      next.setBuffers(tuning.receiveBufferBytes, tuning.sendBufferBytes);
      const given = last.without(next);
      if (given.endpoints.length > 0 || next.without(last).endpoints.length > 0) await this.#giveUp(given);
    };
    const undo = () => {
      opened.close();
      this.#retire(takenAgain);
    };
    return { done, undo };
  }

  /** What was underway to a stream thread that ended is lost; what comes from now on waits for the next one. */
  reconnect(): void {
    for (const [i, worker] of this.#workers.entries()) if (worker.thread.isRunning) this.#connect(worker, i);
  }

  /** Answers what the sockets hold, then ends. */
  async stop(): Promise<void> {
    if (!this.#isOpen) return;
    this.#giveStop();
    wakeReceivers(this.#sockets.endpoints, this.#workers.length);
    await Promise.all(this.#workers.map(({ thread }) => thread.stop(() => undefined, UDP_STOP_MS)));
  }

  /** Closes the sockets: after stop(), when nobody else sends from them either. Called again, it does nothing. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    process.off('exit', this.#onExit);
    for (const { bell } of this.#workers) bell.close();
    this.#sockets.close();
    for (const { sockets } of this.#retired) sockets.close();
    this.#retired.clear();
  }

  #giveStop(): void {
    for (const { control, bell } of this.#workers) {
      control.give(ORDER_STOP);
      bell.ring();
    }
  }

  #open(tuning: UdpTuning, others: readonly UdpSockets[] = []): UdpSockets {
    const { libc, workers, logger } = this.#options;
    const { places, receiveBufferBytes, sendBufferBytes } = tuning;
    return UdpSockets.open(libc, { places, workers, receiveBufferBytes, sendBufferBytes, logger }, others);
  }

  /** Tells the workers, waits until none of them reads the sockets given up, and closes those later. */
  async #giveUp(given: UdpSockets): Promise<void> {
    const changes = this.#workers.map((worker, i) => this.#changeWorker(worker, i));
    const changed = (await Promise.all(changes)).every((each) => each);
    if (!changed && given.endpoints.length > 0) {
      // Their numbers must not go to other sockets while somebody may read them.
      this.#options.logger.error('a UDP worker does not give up its sockets; they stay open until the program ends');
      return;
    }
    this.#retire(given);
  }

  /** Closes sockets later, but for those that are taken again meanwhile. */
  #retire(sockets: UdpSockets): void {
    if (sockets.endpoints.length === 0) return;
    const retired = { sockets };
    this.#retired.add(retired);
    const timer = setTimeout(() => {
      if (this.#retired.delete(retired)) retired.sockets.close();
    }, RETIRE_MS);
    timer.unref();
  }

  /** @returns false where it did not answer in time */
  async #changeWorker(worker: UdpWorker, index: number): Promise<boolean> {
    if (!worker.thread.isRunning) return true;
    const changed = new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), CHANGE_LIMIT_MS);
      worker.onChanged = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
    this.#connect(worker, index);
    return changed;
  }

  /** Tells a worker its sockets, and gives it a new way to the stream thread. */
  #connect({ thread, controlBuffer, control, bell }: UdpWorker, index: number): void {
    const sockets = this.#socketsOf(index);
    const way = this.#openWay(sockets, controlBuffer);
    thread.post({ kind: 'forward-to', way, sockets } satisfies ForwardTo, [way.port]);
    control.announceMessage();
    bell.ring();
  }

  #createWorker(index: number): UdpWorker {
    const { libc, blocks, logger, onQuery, onRestart } = this.#options;
    const number = index + 1;
    const name = `UDP worker ${number}`;
    const controlBuffer = createControlBuffer();
    const bell = new Bell(libc);
    const thread = new SupervisedThread<UdpReport>({
      name,
      entry: new URL('../../joined/udp-worker.cjs', import.meta.url),
      prepare: () => {
        const sockets = this.#socketsOf(index);
        const forwardTo = this.#openWay(sockets, controlBuffer);
        const core = blocks.settingsOf(number);
        const workerData: UdpWorkerSettings = { ...core, sockets, control: controlBuffer, bell: bell.fd, forwardTo };
        return { workerData, transferList: [forwardTo.port] };
      },
      onReport: (report) => {
        switch (report.kind) {
          case 'serving':
            return 'ready';
          case 'changed':
            worker.onChanged?.();
            return null;
          case 'query':
            onQuery(report.query);
            return null;
          case 'trouble':
            logger.error({ err: report.error }, `${name}: ${report.what}`);
            return null;
        }
      },
      onEnded: () => {
        blocks.release(number);
        // The next one begins with the sockets that are in force then.
        worker.onChanged?.();
      },
      onRestart,
      logger,
    });
    const worker: UdpWorker = { thread, controlBuffer, control: new UdpControl(controlBuffer), bell, onChanged: null };
    return worker;
  }

  #socketsOf(index: number): readonly UdpSocket[] {
    return this.#sockets.ofWorkers[index] ?? [];
  }

  /** A new way to the stream thread. @returns the worker's end */
  #openWay(sockets: readonly UdpSocket[], control: SharedArrayBuffer): ForwardWay {
    const { port1, port2 } = new MessageChannel();
    const ring = createForwardRing();
    this.#options.attach({ way: { ring, port: port2 }, control, sockets });
    return { ring, port: port1 };
  }
}

/** Zeros without any workers. */
export function sumOf(each: readonly Readonly<Record<UdpCounter, number>>[]): Readonly<Record<UdpCounter, number>> {
  const entries = COUNTERS.map((name) => [name, each.reduce((sum, counters) => sum + counters[name], 0)] as const);
  return Object.fromEntries(entries) as Record<UdpCounter, number>;
}
