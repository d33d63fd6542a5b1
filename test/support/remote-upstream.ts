// An upstream on another machine, as far as one machine can have one: its own process, which can be dead and back.

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('./remote-upstream-main.js', import.meta.url));

export class RemoteUpstream {
  readonly port: number;
  readonly #process: ChildProcess;

  static async open(): Promise<RemoteUpstream> {
    const child = fork(MAIN);
    const [port] = await once(child, 'message');
    return new RemoteUpstream(child, Number(port));
  }

  private constructor(child: ChildProcess, port: number) {
    this.#process = child;
    this.port = port;
  }

  /** From now on nothing is answered. */
  die(): void {
    this.#process.kill('SIGSTOP');
  }

  /** Answers again, first what it has got meanwhile and its socket had room for. */
  comeBack(): void {
    this.#process.kill('SIGCONT');
  }

  close(): void {
    this.#process.kill('SIGKILL');
  }
}
