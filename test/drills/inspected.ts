// The heap of a running program, through the inspector of Node.js: collected, then measured.

import { once } from 'node:events';
import { WebSocket } from 'undici';

/** Let the program be started with this environment. */
export const INSPECTED = { NODE_OPTIONS: '--inspect=127.0.0.1:0' };

export class Inspected {
  readonly #socket: WebSocket;
  #lastId = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  /** @param log of the program */
  static async attach(log: string): Promise<Inspected> {
    const url = /ws:\/\/\S+/.exec(log)?.[0];
    if (url === undefined) throw new Error('the program does not say where its inspector listens');
    const socket = new WebSocket(url);
    await once(socket, 'open');
    return new Inspected(socket);
  }

  /** Of the main thread, bytes, after a full collection. */
  async usedHeap(): Promise<number> {
    await this.#call('HeapProfiler.collectGarbage');
    const { usedSize } = (await this.#call('Runtime.getHeapUsage')) as { readonly usedSize: number };
    return usedSize;
  }

  close(): void {
    this.#socket.close();
  }

  async #call(method: string): Promise<unknown> {
    this.#lastId += 1;
    const id = this.#lastId;
    this.#socket.send(JSON.stringify({ id, method }));
    for (;;) {
      const [event] = (await once(this.#socket, 'message')) as [{ readonly data: string }];
      const answer = JSON.parse(event.data) as { readonly id?: number; readonly result?: unknown };
      if (answer.id === id) return answer.result;
    }
  }
}
