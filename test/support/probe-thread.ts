// The thread behind probe.ts. Answers are kept as octets and decoded when all is over, so that decoding delays nothing.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';
import { type DecodedPacket, decode, encode } from 'dns-packet';
import { takePriority } from '../../src/workers/priority.ts';
import type { Asked, ProbeResult, ProbeSettings } from './probe.ts';

const ANSWER_LIMIT_MS = 10_000;
/** What was not asked for longer than this, because the thread itself had to wait, is left out instead of asked at once. */
const CATCH_UP_MS = 10;

interface Query {
  readonly name: string;
  readonly sentAt: number;
  receivedAt: number | null;
  answer: Buffer | null;
}

if (parentPort === null) throw new Error('probe-thread runs as a worker');
const main = parentPort;
const settings = workerData as ProbeSettings;

// A server is not slow because this thread has to wait for a processor. Where there is no privilege for it, it may be.
if (settings.isUrgent === true) takePriority(-15);

const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
socket.connect(settings.port, settings.address ?? '127.0.0.1');
await once(socket, 'connect');
socket.on('error', () => undefined); // a refused port shows as queries without an answer

const templates = settings.questions.map(({ name, type = 'A' }) => ({
  name,
  bytes: encode({ type: 'query', id: 0, flags: 0x0100, questions: [{ name, type }] }),
}));
const queries: Query[] = [];
/** The last query under each id. */
const underWay = new Map<number, Query>();
let worstLateMs = 0;
/** When the next query is to be sent. */
let due = performance.now();

socket.on('message', (message) => {
  const query = underWay.get(message.readUInt16BE(0));
  if (query === undefined) return;
  query.receivedAt = performance.now();
  query.answer = message;
  underWay.delete(message.readUInt16BE(0));
});

/** After so many queries all is over. */
let last = Number.POSITIVE_INFINITY;
const timer = setInterval(sendWhatIsDue, Math.max(1, Math.floor(1000 / settings.perSecond)));
main.once('message', (more: number) => {
  last = queries.length + more;
  if (more === 0) void finish();
});
main.postMessage('started');

function sendWhatIsDue(): void {
  for (;;) {
    const now = performance.now();
    if (due > now) return;
    worstLateMs = Math.max(worstLateMs, now - due);
    due = Math.max(due, now - CATCH_UP_MS) + 1000 / settings.perSecond;
    const template = templates[queries.length % templates.length];
    if (template === undefined) throw new Error('a probe needs questions');
    const id = queries.length & 0xffff;
    const bytes = Buffer.from(template.bytes);
    bytes.writeUInt16BE(id, 0);
    const query: Query = { name: template.name, sentAt: performance.now(), receivedAt: null, answer: null };
    queries.push(query);
    underWay.set(id, query);
    socket.send(bytes);
    if (queries.length === last) {
      void finish();
      return;
    }
  }
}

async function finish(): Promise<void> {
  clearInterval(timer);
  const deadline = performance.now() + ANSWER_LIMIT_MS;
  while (underWay.size > 0 && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10));
  socket.close();
  main.postMessage({ asked: queries.map(toAsked), worstLateMs } satisfies ProbeResult);
}

function toAsked({ name, sentAt, receivedAt, answer }: Query): Asked {
  return {
    name,
    atMs: performance.timeOrigin + sentAt,
    tookMs: receivedAt === null ? null : receivedAt - sentAt,
    answer: answer === null ? null : readable(decode(answer)),
  };
}

function readable(message: DecodedPacket): string {
  const { rcode, answers = [] } = message as DecodedPacket & { readonly rcode: string };
  if (rcode !== 'NOERROR') return rcode;
  return answers
    .map((record) => (record.type === 'SRV' ? `${record.data.target}:${record.data.port}` : dataOf(record)))
    .sort()
    .join(' ');
}

function dataOf(record: object): string {
  return 'data' in record ? String(record.data) : '';
}
