// Every golden case, on every transport that it is about: the core alone, both UDP drivers, TCP.

import assert from 'node:assert/strict';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createCoreAnswerer } from '../../src/engine/core-answerer.ts';
import { Engine } from '../../src/engine/engine.ts';
import { DRIVERS, type RunningService, startService } from '../support/dns-service.ts';
import { encodeAnswer, FakeUpstream, framed } from '../support/fake-upstream.ts';
import { buildQuery } from './ask.ts';
import { type GoldenCase, readCases, readLines } from './cases.ts';
import { assertReply } from './reply.ts';
import { inputOf, SERVERS, setOptions } from './servers.ts';

const CASES = readCases();
/** A query that every server answers, to see that the one before it was not. */
const SENTINEL = Buffer.concat([Buffer.from([0xff, 0xfe]), buildQuery(['A', 'localhost']).subarray(2)]);
const PATIENCE_MS = 30_000;

/** Asks one server after the other. */
interface Transport {
  readonly name: string;
  readonly kind: 'udp' | 'tcp';
  /**
   * @param isAnswered what the case expects; where it is false, the answer to another query behind this one is waited for
   * @returns null: no answer; `forward`: the core says so
   */
  ask(server: string, query: Buffer, isAnswered: boolean): Promise<Uint8Array | null | 'forward'>;
}

for (const transport of [coreAs('udp'), coreAs('tcp'), ...DRIVERS.flatMap(overSockets)]) {
  describe(`golden cases over ${transport.name}`, () => {
    // One server after the other, so that each zone is built once.
    for (const server of SERVERS) {
      for (const each of CASES.filter((one) => one.server === server && one.over.includes(transport.kind))) {
        it(`${each.rows.join(', ')}: ${each.title}`, () => judge(transport, each));
      }
    }
  });
}

async function judge(transport: Transport, { server, ask, reply, why }: GoldenCase): Promise<void> {
  const query = buildQuery(ask);
  const isAnswered = reply[0] !== 'reply nothing';
  const answer = await transport.ask(server, query, isAnswered);
  if (answer === 'forward') return assert.ok(reply.includes('forwarded'), `${why}\nIt was forwarded.`);
  if (!isAnswered) return assert.equal(answer, null, why);
  assert.ok(answer !== null, `${why}\nIt was not answered.`);
  assertReply(answer, query, reply, why);
}

function coreAs(kind: 'udp' | 'tcp'): Transport {
  const engine = Engine.create();
  let present = '';
  return {
    name: `the core as ${kind}`,
    kind,
    async ask(server, query) {
      const { module, memory } = await engine;
      if (present !== server) (await engine).publish(inputOf(server));
      present = server;
      setOptions(memory);
      const answerer = createCoreAnswerer({ module, memory, worker: 0, seed: 0x9e3779b97f4a7c15n });
      const verdict = answerer.answer(query, { transport: kind, address: '192.0.2.1' });
      if (verdict.kind === 'answered') return verdict.message;
      return verdict.kind === 'forward' ? 'forward' : null;
    },
  };
}

/** UDP by this driver, and TCP beside it. Both share a service, which begins with the first test. */
function overSockets(io: 'batched' | 'dgram'): readonly Transport[] {
  let running: Promise<Running> | null = null;
  let present = '';
  const serving = async (server: string): Promise<Running> => {
    running ??= Running.start(io);
    const started = await running;
    if (present !== server) started.engine.publish(inputOf(server));
    present = server;
    return started;
  };
  after(async () => (await running)?.stop());
  return [
    {
      name: `UDP, ${io}`,
      kind: 'udp',
      ask: async (server, query, isAnswered) => (await serving(server)).askUdp(query, isAnswered),
    },
    {
      name: `TCP beside UDP, ${io}`,
      kind: 'tcp',
      ask: async (server, query, isAnswered) => (await serving(server)).askTcp(query, isAnswered),
    },
  ];
}

/** A service with an upstream that has an address for every name, and a client. */
class Running {
  readonly #service: RunningService;
  readonly #upstream: FakeUpstream;
  readonly #udp: UdpSocket;
  /** The server closes it where it is idle for long. */
  #tcp: Socket | null = null;

  static async start(io: 'batched' | 'dgram'): Promise<Running> {
    const upstream = await FakeUpstream.start((query, reply) => reply(encodeAnswer(query)));
    // The connection may wait for its turn, while other transports have theirs.
    const tcpLimits = { idleMs: 600_000 };
    // The upstream is in this thread, which may stand still while the forwarder's goes on.
    const timeoutSeconds = PATIENCE_MS / 1000;
    const service = await startService({ io, routes: [[upstream.address]], tcpLimits, timeoutSeconds });
    setOptions(service.engine.memory);
    const udp = createSocket('udp4');
    udp.connect(service.port, '127.0.0.1');
    await once(udp, 'connect');
    return new Running(service, upstream, udp);
  }

  private constructor(service: RunningService, upstream: FakeUpstream, udp: UdpSocket) {
    this.#service = service;
    this.#upstream = upstream;
    this.#udp = udp;
  }

  get engine(): Engine {
    return this.#service.engine;
  }

  async stop(): Promise<void> {
    this.#udp.close();
    this.#tcp?.destroy();
    await this.#service.supervisor.stop(0);
    await this.#upstream.close();
  }

  async askUdp(query: Buffer, isAnswered: boolean): Promise<Uint8Array | null> {
    this.#udp.send(query);
    if (!isAnswered) this.#udp.send(SENTINEL);
    const [message] = (await once(this.#udp, 'message', { signal: AbortSignal.timeout(PATIENCE_MS) })) as [Buffer];
    return isSentinel(message) ? null : message;
  }

  async askTcp(query: Buffer, isAnswered: boolean): Promise<Uint8Array | null> {
    const tcp = await this.#connection();
    tcp.write(Buffer.concat([framed(query), ...(isAnswered ? [] : [framed(SENTINEL)])]));
    const signal = AbortSignal.timeout(PATIENCE_MS);
    let received: Buffer<ArrayBufferLike> = Buffer.alloc(0);
    while (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) {
      const [chunk] = (await once(tcp, 'data', { signal })) as [Buffer];
      received = Buffer.concat([received, chunk]);
    }
    const message = received.subarray(2);
    return isSentinel(message) ? null : message;
  }

  async #connection(): Promise<Socket> {
    if (this.#tcp?.readyState === 'open') return this.#tcp;
    const tcp = connect(this.#service.port, '127.0.0.1');
    await once(tcp, 'connect');
    this.#tcp = tcp;
    return tcp;
  }
}

function isSentinel(message: Uint8Array): boolean {
  return message[0] === SENTINEL[0] && message[1] === SENTINEL[1];
}

describe('the rows of the list', () => {
  const rows = readLines('rows.txt').map((line) => {
    const [, row = '', text = ''] = /^(\S+)\s+(.+)$/.exec(line) ?? [];
    const [, file, title] = /\[(\S+): (.+)\]$/.exec(text) ?? [];
    return { row, file, title };
  });
  const inCases = new Set(CASES.flatMap((each) => each.rows));

  it('are each a golden case, or name the test elsewhere that is about them', () => {
    const root = fileURLToPath(new URL('../../../', import.meta.url));
    for (const { row, file, title } of rows) {
      if (file === undefined || title === undefined) {
        assert.ok(inCases.has(row), `${row} is in no case`);
        continue;
      }
      assert.ok(existsSync(`${root}${file}`), `${row}: there is no file ${file}`);
      assert.ok(readFileSync(`${root}${file}`, 'utf8').includes(title), `${row}: ${file} has no test "${title}"`);
    }
  });

  it('are the only ones that cases name', () => {
    const known = new Set(rows.map(({ row }) => row));
    assert.deepEqual(
      [...inCases].filter((row) => !known.has(row)),
      [],
    );
  });
});
