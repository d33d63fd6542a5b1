// A DNS client for tests: many queries at a time over one UDP socket and one TCP connection, decoded by dns-packet.

import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type Answer, decode } from 'dns-packet';

/** Type codes by name (RFC 1035 section 3.2.2 and later). */
const TYPES: Readonly<Record<string, number>> = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  ANY: 255,
};

export interface QueryOptions {
  /** The payload size of an OPT record (default 1232); null sends none. */
  readonly edns?: number | null;
  /** Of one try (default 1000 ms over UDP, 10 s over TCP). */
  readonly timeoutMs?: number;
  /** Over UDP (default 5). */
  readonly tries?: number;
}

export interface DnsReply {
  readonly bytes: Buffer;
  readonly transport: 'udp' | 'tcp';
  readonly rcode: number;
  readonly truncated: boolean;
  readonly authoritative: boolean;
  readonly recursionAvailable: boolean;
  /** The question's name as the answer spells it. */
  readonly name: string;
  readonly answers: readonly Answer[];
  readonly authorities: readonly Answer[];
  /** Without the OPT record. */
  readonly additionals: readonly Answer[];
}

export const NOERROR = 0;
export const SERVFAIL = 2;
export const NXDOMAIN = 3;
export const REFUSED = 5;

interface Server {
  readonly host: string;
  readonly port: number;
}

export class DnsClient {
  /** UDP queries sent again because no answer came in time. */
  resent = 0;
  readonly #server: Server;
  readonly #udp: UdpSocket;
  readonly #waiting = new Map<string, (message: Buffer) => void>();
  #tcp: Promise<Socket> | null = null;
  #lastId = 0;

  static async open(server: Server): Promise<DnsClient> {
    const udp = createSocket({ type: server.host.includes(':') ? 'udp6' : 'udp4', recvBufferSize: 1 << 20 });
    udp.connect(server.port, server.host);
    await once(udp, 'connect');
    return new DnsClient(server, udp);
  }

  private constructor(server: Server, udp: UdpSocket) {
    this.#server = server;
    this.#udp = udp;
    udp.on('message', (message) => this.#receive('udp', message));
    udp.on('error', () => undefined); // a closed port: the query's time runs out
  }

  /** Over UDP, and over TCP where the answer has TC. */
  async ask(name: string, type: string, options: QueryOptions = {}): Promise<DnsReply> {
    const reply = await this.askUdp(name, type, options);
    return reply.truncated ? await this.askTcp(name, type, options) : reply;
  }

  async askUdp(name: string, type: string, options: QueryOptions = {}): Promise<DnsReply> {
    const { timeoutMs = 1000, tries = 5 } = options;
    for (let attempt = 1; attempt <= tries; attempt += 1) {
      const query = this.#query(name, type, options.edns);
      const message = await this.#exchange('udp', query, timeoutMs, () => this.#udp.send(query, () => undefined));
      if (message !== null) return reply('udp', message);
      this.resent += 1;
    }
    throw new Error(`no answer over UDP to ${name} ${type} after ${tries} tries`);
  }

  /** All queries go over one connection, without waiting for the answers before them. */
  async askTcp(name: string, type: string, options: QueryOptions = {}): Promise<DnsReply> {
    this.#tcp ??= this.#connect();
    const socket = await this.#tcp;
    const query = this.#query(name, type, options.edns);
    const prefix = Buffer.from([query.length >> 8, query.length & 255]);
    const message = await this.#exchange('tcp', query, options.timeoutMs ?? 10_000, () => {
      socket.write(Buffer.concat([prefix, query]));
    });
    if (message === null) throw new Error(`no answer over TCP to ${name} ${type}`);
    return reply('tcp', message);
  }

  close(): void {
    this.#udp.close();
    void this.#tcp?.then(
      (socket) => socket.destroy(),
      () => undefined,
    );
  }

  /** @returns null where no answer came in time */
  #exchange(transport: string, query: Buffer, timeoutMs: number, send: () => void): Promise<Buffer | null> {
    const key = `${transport} ${query.readUInt16BE(0)}`;
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(key);
        resolve(null);
      }, timeoutMs);
      this.#waiting.set(key, (message) => {
        clearTimeout(timer);
        this.#waiting.delete(key);
        resolve(message);
      });
      send();
    });
  }

  #receive(transport: string, message: Buffer): void {
    if (message.length >= 12) this.#waiting.get(`${transport} ${message.readUInt16BE(0)}`)?.(message);
  }

  async #connect(): Promise<Socket> {
    const socket = connect({ ...this.#server, noDelay: true });
    socket.on('error', () => undefined);
    // The next query opens another one; those under way run out of time.
    socket.on('close', () => {
      this.#tcp = null;
    });
    let pieces: Buffer[] = [];
    let size = 0;
    socket.on('data', (piece) => {
      pieces.push(piece);
      size += piece.length;
      const first = pieces[0] ?? piece;
      if (first.length >= 2 && size < 2 + first.readUInt16BE(0)) return;
      let pending = Buffer.concat(pieces);
      while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
        const end = 2 + pending.readUInt16BE(0);
        this.#receive('tcp', pending.subarray(2, end));
        pending = pending.subarray(end);
      }
      pieces = [pending];
      size = pending.length;
    });
    await once(socket, 'connect');
    return socket;
  }

  /** Written by hand: dns-packet strips dots and takes no octets but those of well-formed names. */
  #query(name: string, type: string, edns: number | null = 1232): Buffer {
    this.#lastId = (this.#lastId + 1) & 0xffff;
    const header = Buffer.from([
      this.#lastId >> 8,
      this.#lastId & 255,
      1,
      0,
      0,
      1,
      0,
      0,
      0,
      0,
      0,
      edns === null ? 0 : 1,
    ]);
    const code = TYPES[type] ?? Number(type);
    const opt = edns === null ? [] : [0, 0, 41, edns >> 8, edns & 255, 0, 0, 0, 0, 0, 0];
    return Buffer.concat([header, wireName(name), Buffer.from([code >> 8, code & 255, 0, 1, ...opt])]);
  }
}

/** Labels between dots, as UTF-8; the final dot may be missing. */
function wireName(name: string): Buffer {
  const labels = name.replace(/\.$/, '').split('.');
  const parts = labels.filter((label) => label !== '').map((label) => Buffer.from(label));
  return Buffer.concat([...parts.flatMap((part) => [Buffer.from([part.length]), part]), Buffer.from([0])]);
}

function reply(transport: 'udp' | 'tcp', bytes: Buffer): DnsReply {
  const packet = decode(bytes);
  return {
    bytes,
    transport,
    rcode: bytes.readUInt16BE(2) & 15,
    truncated: packet.flag_tc,
    authoritative: packet.flag_aa,
    recursionAvailable: packet.flag_ra,
    name: packet.questions?.[0]?.name ?? '',
    answers: packet.answers ?? [],
    authorities: packet.authorities ?? [],
    additionals: (packet.additionals ?? []).filter(({ type }) => type !== 'OPT'),
  };
}

/** Runs `task` for every item, so many at a time. */
export async function eachOf<T>(items: Iterable<T>, parallel: number, task: (item: T) => Promise<void>): Promise<void> {
  const queue = items[Symbol.iterator]();
  const lane = async () => {
    for (let next = queue.next(); next.done !== true; next = queue.next()) await task(next.value);
  };
  await Promise.all(Array.from({ length: parallel }, lane));
}
