// A logger whose lines a test can read.

import { Writable } from 'node:stream';
import pino from 'pino';
import type { Logger } from '../../src/observability/logger.ts';

export interface RecordedLog {
  readonly log: Logger;
  /** The lines so far, as JSON text, from `info` upwards. */
  readonly lines: readonly string[];
}

export function recordedLog(): RecordedLog {
  const lines: string[] = [];
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString().trim());
      done();
    },
  });
  return { log: pino({ level: 'info', base: null }, destination), lines };
}
