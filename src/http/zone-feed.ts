// Tells whoever listens over HTTP of changes of the zone, as server-sent events.

import { PassThrough, type Readable } from 'node:stream';

/** An event names so many changed names at most, and says how many more there are. */
const NAMES_MAX = 1000;
const LISTENERS_MAX = 100;
/** Keeps connections open that nothing else moves on. */
const HEARTBEAT_MS = 20_000;
/** A listener that reads so slowly is let go; it comes back by itself and asks anew. */
const BACKLOG_MAX_BYTES = 1024 * 1024;

export class ZoneFeed {
  readonly #listeners = new Set<PassThrough>();
  #heartbeat: NodeJS.Timeout | null = null;
  #isEnded = false;

  /** @param names those that differ; null: all may */
  publish(serial: number, names: ReadonlySet<string> | null): void {
    if (this.#listeners.size === 0) return;
    const few = names === null ? null : [...take(names, NAMES_MAX)];
    const more = names === null ? 0 : names.size - (few?.length ?? 0);
    this.#send(`event: zone\nid: ${serial}\ndata: ${JSON.stringify({ serial, names: few, more })}\n\n`);
  }

  /** A stream of events, which begins with the present serial; null where too many listen already. */
  listen(serial: number | null): Readable | null {
    if (this.#listeners.size >= LISTENERS_MAX || this.#isEnded) return null;
    const stream = new PassThrough();
    stream.write(`retry: 2000\n\nevent: hello\ndata: ${JSON.stringify({ serial })}\n\n`);
    stream.on('error', () => undefined);
    stream.on('close', () => {
      this.#listeners.delete(stream);
      if (this.#listeners.size > 0 || this.#heartbeat === null) return;
      clearInterval(this.#heartbeat);
      this.#heartbeat = null;
    });
    this.#listeners.add(stream);
    this.#heartbeat ??= setInterval(() => this.#send(':\n\n'), HEARTBEAT_MS).unref();
    return stream;
  }

  /** Ends all streams: the server closes. */
  end(): void {
    this.#isEnded = true;
    for (const stream of this.#listeners) stream.end();
  }

  #send(text: string): void {
    for (const stream of this.#listeners) {
      if (stream.writableLength + stream.readableLength > BACKLOG_MAX_BYTES) stream.destroy();
      else stream.write(text);
    }
  }
}

function* take<T>(items: Iterable<T>, count: number): Generator<T, void> {
  let taken = 0;
  for (const item of items) {
    if (taken === count) return;
    taken += 1;
    yield item;
  }
}
