// Runs in namespaces of its own, where /etc/resolv.conf names the server that it starts on port 53: asks with `getent`,
// which calls getaddrinfo and gethostbyaddr, and writes what came on standard output, as JSON.

import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { startServer } from './server.ts';

export interface GetentRun {
  readonly code: number;
  readonly lines: readonly string[];
}

export interface GetentOrder {
  /** The file that stands at /etc/resolv.conf. */
  readonly resolvConf: string;
  /** All questions are asked with each of these. */
  readonly options: readonly string[];
  /** Arguments of `getent`. */
  readonly questions: readonly (readonly string[])[];
}

const order = JSON.parse(process.argv[2] ?? '{}') as GetentOrder;
const server = await startServer({ port: 53 });
try {
  const runs: GetentRun[][] = [];
  for (const options of order.options) {
    writeFileSync(order.resolvConf, `nameserver 127.0.0.1\nsearch mesos\noptions ${options}\n`);
    runs.push(await Promise.all(order.questions.map(getent)));
  }
  process.stdout.write(JSON.stringify(runs));
} finally {
  await server.stop();
}

function getent(args: readonly string[]): Promise<GetentRun> {
  return new Promise((resolve) => {
    execFile('getent', [...args], { timeout: 60_000, killSignal: 'SIGKILL' }, (error, stdout) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ code, lines: stdout.split('\n').filter((line) => line !== '') });
    });
  });
}
