import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import pino from 'pino';
import { MesosDnsError } from '../../src/errors.ts';
import { formatEndpoint, type Master, type MasterSet } from '../../src/leader/leader.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { createMetrics, type Metrics } from '../../src/observability/metrics.ts';
import { createStateClient, type StateClient, type StateDocument } from '../../src/state/client.ts';
import { NotReadyError } from '../../src/state/fetch-failure.ts';
import { createStatePoller, type StatePoller, type StateSource } from '../../src/state/poller.ts';
import { fakeMaster } from './fake-master.ts';

const A: Master = { host: '10.0.0.1', port: 5050 };
const B: Master = { host: '10.0.0.2', port: 5050 };

interface State {
  readonly leader: { readonly host: string; readonly port: number };
  readonly number: number;
}

class FakeDetector {
  current: MasterSet | null;
  readonly #listeners: ((masters: MasterSet) => void)[] = [];

  constructor(current: MasterSet | null) {
    this.current = current;
  }

  onChange(listener: (masters: MasterSet) => void): () => void {
    this.#listeners.push(listener);
    return () => undefined;
  }

  announce(leader: Master | null, masters: readonly Master[] = [A, B]): void {
    this.current = { leader, masters, source: 'zookeeper' };
    for (const listener of this.#listeners) listener(this.current);
  }
}

/** A client whose answers the test gives by hand. */
class ManualClient implements Pick<StateClient, 'fetch'> {
  readonly asked: string[] = [];
  aborted = 0;
  underWay = 0;
  maxUnderWay = 0;
  #pending: { resolve: (document: StateDocument) => void; reject: (error: Error) => void; master: Master } | null =
    null;

  fetch(master: Master, { signal }: { readonly signal: AbortSignal }): Promise<StateDocument> {
    this.asked.push(formatEndpoint(master));
    this.underWay += 1;
    this.maxUnderWay = Math.max(this.maxUnderWay, this.underWay);
    return new Promise<StateDocument>((resolve, reject) => {
      this.#pending = { resolve, reject, master };
      signal.addEventListener('abort', () => {
        this.aborted += 1;
        reject(new MesosDnsError('ERR_STATE_FETCH', 'aborted'));
      });
    }).finally(() => {
      this.underWay -= 1;
    });
  }

  /** Answers the fetch under way with a document that names its master as the leader. */
  async answer(number = 0): Promise<void> {
    const { master } = this.#take();
    await this.answerText(JSON.stringify({ leader: master, number }), master);
  }

  async answerText(text: string, master: Master = A): Promise<void> {
    this.#take().resolve({ bytes: Buffer.from(text), master, addresses: [master.host] });
    this.#pending = null;
    await settle();
  }

  async fail(message = 'connection refused', cause?: Error): Promise<void> {
    const { master, reject } = this.#take();
    this.#pending = null;
    reject(new MesosDnsError('ERR_STATE_FETCH', `master ${formatEndpoint(master)}: ${message}`, { cause }));
    await settle();
  }

  #take() {
    assert.ok(this.#pending, 'no fetch is under way');
    return this.#pending;
  }
}

async function settle(): Promise<void> {
  for (let i = 0; i < 50; i += 1) await Promise.resolve();
}

function parse(document: Uint8Array): { state: State; warnings: readonly string[] } {
  const text = Buffer.from(document).toString();
  if (text === 'broken') throw new MesosDnsError('ERR_STATE_DOCUMENT', 'it is not JSON');
  const { warnings, ...state } = JSON.parse(text);
  return { state, warnings: warnings ?? [] };
}

/** A logger that keeps `level message` lines. */
function memoryLogger(lines: string[]) {
  const sink = new Writable({
    write(chunk, _encoding, done) {
      const { level, msg } = JSON.parse(String(chunk));
      lines.push(`${pino.levels.labels[level]} ${msg}`);
      done();
    },
  });
  return pino({ base: null }, sink);
}

describe('the poller', () => {
  let detector: FakeDetector;
  let client: ManualClient;
  let poller: StatePoller;
  let metrics: Metrics;
  let lines: string[];
  let nowMs: number;
  let states: { state: State; source: StateSource }[];
  let onState: (state: State) => void;

  beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout'] });
    detector = new FakeDetector({ leader: A, masters: [A, B], source: 'zookeeper' });
    client = new ManualClient();
    metrics = createMetrics();
    lines = [];
    nowMs = 0;
    states = [];
    onState = () => undefined;
    poller = create(60);
  });

  afterEach(async () => {
    await poller.close();
    mock.timers.reset();
  });

  function create(refreshSeconds: number): StatePoller {
    return createStatePoller<State>({
      config: { refreshSeconds },
      leader: detector,
      client,
      parse,
      onState: (state, source) => {
        states.push({ state, source });
        onState(state);
      },
      logger: memoryLogger(lines),
      metrics,
      random: () => 0,
      now: () => nowMs,
    });
  }

  async function advance(ms: number): Promise<void> {
    nowMs += ms;
    mock.timers.tick(ms);
    await settle();
  }

  async function total(name: keyof Pick<Metrics, 'stateRefused' | 'stateFetchFailures' | 'stateOddElements'>) {
    const { values } = await metrics[name].get();
    return values.reduce((sum, { value }) => sum + value, 0);
  }

  it('fetches at the start and reports the state with its source', async () => {
    poller.start();
    await client.answer(7);
    assert.equal(states.length, 1);
    assert.equal(states[0]?.state.number, 7);
    assert.deepEqual(states[0]?.source.master, A);
    assert.ok((states[0]?.source.sizeBytes ?? 0) > 0);
    assert.ok(states[0]?.source.receivedAt instanceof Date);
    assert.deepEqual(lines, ['info following master 10.0.0.1:5050']);
  });

  it('waits until masters are known', async () => {
    detector.current = null;
    poller.start();
    await settle();
    assert.deepEqual(client.asked, []);
    detector.announce(A);
    await settle();
    assert.deepEqual(client.asked, ['10.0.0.1:5050']);
  });

  it('fetches again every refreshSeconds', async () => {
    poller.start();
    await client.answer();
    await advance(59_999);
    assert.equal(client.asked.length, 1);
    await advance(1);
    assert.equal(client.asked.length, 2);
    await client.answer();
    await advance(60_000);
    assert.equal(client.asked.length, 3);
    assert.equal(client.maxUnderWay, 1);
  });

  it('takes refreshSeconds 0 as 1', async () => {
    poller = create(0);
    poller.start();
    await client.answer();
    await advance(999);
    assert.equal(client.asked.length, 1);
    await advance(1);
    assert.equal(client.asked.length, 2);
  });

  it('leaves the master alone for a while after a fetch that took longer than the interval', async () => {
    poller.start();
    await advance(90_000);
    await client.answer();
    await advance(14_999);
    assert.equal(client.asked.length, 1);
    await advance(1);
    assert.equal(client.asked.length, 2);
  });

  it('fetches at once when the leader changes', async () => {
    poller.start();
    await client.answer();
    detector.announce(B);
    await settle();
    assert.deepEqual(client.asked, ['10.0.0.1:5050', '10.0.0.2:5050']);
  });

  it('gives up a fetch under way when the leader changes, without counting a failure', async () => {
    poller.start();
    await settle();
    detector.announce(B);
    await settle();
    assert.equal(client.aborted, 1);
    assert.deepEqual(client.asked, ['10.0.0.1:5050', '10.0.0.2:5050']);
    assert.equal(client.maxUnderWay, 1);
    await client.answer(2);
    assert.deepEqual(
      states.map(({ source }) => source.master),
      [B],
    );
    assert.equal(await total('stateFetchFailures'), 0);
  });

  it('keeps to the plan when the leader is lost or only the list of masters changes', async () => {
    poller.start();
    await client.answer();
    detector.announce(null);
    detector.announce(A, [A]);
    await settle();
    assert.equal(client.asked.length, 1);
    assert.equal(client.aborted, 0);
  });

  it('tries again after 100 ms, doubling up to 10 s, and starts over after a success', async () => {
    detector.current = { leader: A, masters: [A], source: 'zookeeper' };
    poller.start();
    for (const waitMs of [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]) {
      await client.fail();
      const before = client.asked.length;
      await advance(waitMs - 1);
      assert.equal(client.asked.length, before, `early, within ${waitMs} ms`);
      await advance(1);
      assert.equal(client.asked.length, before + 1, `late, after ${waitMs} ms`);
    }
    assert.equal(await total('stateFetchFailures'), 9);
    await client.answer();
    await advance(60_000);
    await client.fail();
    await advance(100);
    assert.equal(client.asked.length, 12);
  });

  for (const [name, cause] of [
    ['that nobody listens to', Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })],
    ['that is not ready', new NotReadyError('answered 503')],
  ] as const) {
    it(`tries a master ${name} again twice a second at least`, async () => {
      detector.current = { leader: A, masters: [A], source: 'zookeeper' };
      poller.start();
      for (const waitMs of [100, 200, 400, 500, 500, 500]) {
        await client.fail('no answer', new Error('redirected', { cause }));
        await advance(waitMs);
      }
      assert.equal(client.asked.length, 7);
    });
  }

  it('never waits longer than refreshSeconds for another try', async () => {
    poller = create(1);
    detector.current = { leader: A, masters: [A], source: 'zookeeper' };
    poller.start();
    for (const waitMs of [100, 200, 400, 800, 1000, 1000]) {
      await client.fail();
      await advance(waitMs);
    }
    assert.equal(client.asked.length, 7);
  });

  it('starts over with short pauses at a new leader', async () => {
    detector.current = { leader: A, masters: [A], source: 'zookeeper' };
    poller.start();
    for (const waitMs of [100, 200, 400, 800]) {
      await client.fail();
      await advance(waitMs);
    }
    await client.fail();
    detector.announce(B, [B]);
    await settle();
    await client.fail();
    await advance(100);
    assert.deepEqual(client.asked.slice(-2), ['10.0.0.2:5050', '10.0.0.2:5050']);
  });

  it('asks new masters at once when the last try failed', async () => {
    detector.current = { leader: null, masters: [A], source: 'static' };
    poller.start();
    await client.fail();
    detector.announce(null, [B]);
    await settle();
    assert.deepEqual(client.asked, ['10.0.0.1:5050', '10.0.0.2:5050']);
  });

  it('says a failure once, reminds once a minute and tells of the recovery', async () => {
    detector.current = { leader: A, masters: [A], source: 'zookeeper' };
    poller.start();
    for (let i = 0; i < 20; i += 1) {
      await client.fail();
      await advance(10_000);
    }
    await client.answer();
    const failures = lines.filter((line) => line.includes('connection refused'));
    assert.deepEqual(failures, [
      'warn master 10.0.0.1:5050: connection refused',
      'warn still failing, 7 attempts: master 10.0.0.1:5050: connection refused',
      'warn still failing, 13 attempts: master 10.0.0.1:5050: connection refused',
      'warn still failing, 19 attempts: master 10.0.0.1:5050: connection refused',
    ]);
    assert.ok(lines.includes('info the state can be read again, after 20 failed attempts'));
  });

  it('keeps quiet about a refused document after the first line, counts it and tries again later', async () => {
    detector.current = { leader: A, masters: [A], source: 'zookeeper' };
    poller.start();
    await client.answerText('broken');
    assert.deepEqual(states, []);
    await advance(999);
    assert.equal(client.asked.length, 1);
    await advance(1);
    await client.answerText('broken');
    assert.equal(await total('stateRefused'), 2);
    assert.equal(await total('stateFetchFailures'), 0);
    assert.deepEqual(lines, ['warn the state of master 10.0.0.1:5050 is refused: it is not JSON']);
    await advance(2000);
    await client.answer();
    assert.equal(states.length, 1);
    assert.ok(lines.includes('info the state can be used again, after 2 failed attempts'));
  });

  it('logs the warnings of a document once, as long as they stay the same, and counts them each time', async () => {
    poller.start();
    const odd = JSON.stringify({ leader: A, number: 1, warnings: ['task x: no name', 'task y: odd ports'] });
    await client.answerText(odd);
    await advance(60_000);
    await client.answerText(odd);
    assert.deepEqual(
      lines.filter((line) => line.startsWith('warn')),
      ['warn task x: no name', 'warn task y: odd ports'],
    );
    assert.equal(await total('stateOddElements'), 4);
  });

  it('cuts a flood of warnings short', async () => {
    poller.start();
    const warnings = Array.from({ length: 500 }, (_, i) => `task ${i}: odd`);
    await client.answerText(JSON.stringify({ leader: A, number: 1, warnings }));
    assert.equal(lines.length, 22);
    assert.equal(lines.at(-1), 'warn … and 480 more like these');
  });

  it('goes on as planned when the state cannot be used by its receiver', async () => {
    onState = () => {
      throw new Error('table full');
    };
    poller.start();
    await client.answer();
    assert.ok(lines.some((line) => line.startsWith('error')));
    await advance(60_000);
    assert.equal(client.asked.length, 2);
  });

  it('stops at once when closed, and reports nothing afterwards', async () => {
    poller.start();
    await settle();
    await poller.close();
    assert.equal(client.aborted, 1);
    detector.announce(B);
    await advance(120_000);
    assert.deepEqual(client.asked, ['10.0.0.1:5050']);
    assert.deepEqual(states, []);
    assert.deepEqual(lines, []);
  });

  it('closes during a pause and without having been started', async () => {
    poller.start();
    await client.answer();
    await poller.close();
    await create(60).close();
  });
});

describe('the poller with real masters', () => {
  it('follows an old master that does not lead, a redirect and a failover', async () => {
    let leading = 'first';
    const document = (master: Master, tasks: number) => JSON.stringify({ leader: master, number: tasks });
    const first = await fakeMaster((_, response) => response.end(document(first.master, 1)), {
      hostname: 'm1.invalid',
    });
    const second = await fakeMaster((_, response) => {
      if (leading === 'second') response.end(document(second.master, 2));
      else response.writeHead(307, { Location: `//m1.invalid:${first.master.port}/master/state` }).end();
    });
    const old = await fakeMaster((_, response) => response.end(document(first.master, 0)));
    const detector = new FakeDetector({
      leader: null,
      masters: [old.master, second.master, first.master],
      source: 'static',
    });
    const client = createStateClient({ config: { mesosHTTPSOn: false, stateTimeoutSeconds: 10 } });
    const numbers: number[] = [];
    let onNumber = (): void => undefined;
    const poller = createStatePoller<State>({
      config: { refreshSeconds: 3600 },
      leader: detector,
      client,
      parse,
      onState: ({ number }) => {
        numbers.push(number);
        onNumber();
      },
      logger: silentLogger(),
      metrics: createMetrics(),
    });
    const next = () =>
      new Promise<void>((resolve) => {
        onNumber = resolve;
      });
    try {
      const viaDocument = next();
      poller.start();
      await viaDocument;

      const viaRedirect = next();
      detector.announce(second.master, [second.master, first.master]);
      await viaRedirect;

      leading = 'second';
      await first.close();
      const afterFailover = next();
      detector.announce(old.master, [old.master, second.master]);
      await afterFailover;
      assert.deepEqual(numbers, [1, 1, 2]);
    } finally {
      await poller.close();
      await client.close();
      for (const server of [second, old]) await server.close();
    }
  });
});
