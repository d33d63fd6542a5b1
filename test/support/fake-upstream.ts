// A DNS server for tests that behaves, or misbehaves, as the test says. Listens on one loopback port over UDP and TCP.

import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import packet from 'dns-packet';

export interface ReceivedQuery {
  readonly transport: 'udp' | 'tcp';
  readonly bytes: Buffer;
  readonly message: packet.DecodedPacket;
  readonly id: number;
  readonly sourcePort: number;
}

/** Called for every query; answers with `reply` none, one or several times. */
export type Behaviour = (query: ReceivedQuery, reply: (message: Uint8Array) => void) => void;

export interface UpstreamOptions {
  /** false: connections are refused. */
  readonly tcp?: boolean;
  /** Default: 127.0.0.1. */
  readonly host?: string;
  /** Default: any. */
  readonly port?: number;
}

export class FakeUpstream {
  readonly queries: ReceivedQuery[] = [];
  readonly port: number;
  behaviour: Behaviour;
  seesLoopProbes = false;
  readonly #udp: UdpSocket;
  readonly #tcp: Server | null;
  readonly #host: string;
  readonly #connections = new Set<Socket>();
  #closed = false;

  private constructor(udp: UdpSocket, tcp: Server | null, behaviour: Behaviour) {
    this.#udp = udp;
    this.#tcp = tcp;
    this.port = udp.address().port;
    this.#host = udp.address().address;
    this.behaviour = behaviour;
    udp.on('message', (bytes, sender) => {
      this.#receive('udp', bytes, sender.port, (message) => {
        if (!this.#closed) udp.send(message, sender.port, sender.address);
      });
    });
    tcp?.on('connection', (socket) => this.#serve(socket));
  }

  get address(): string {
    return this.#host.includes(':') ? `[${this.#host}]:${this.port}` : `${this.#host}:${this.port}`;
  }

  static async start(behaviour: Behaviour, options: UpstreamOptions = {}): Promise<FakeUpstream> {
    const host = options.host ?? '127.0.0.1';
    for (;;) {
      const udp = createSocket(host.includes(':') ? 'udp6' : 'udp4');
      udp.bind(options.port ?? 0, host);
      await once(udp, 'listening');
      if (options.tcp === false) return new FakeUpstream(udp, null, behaviour);
      const tcp = createServer();
      try {
        tcp.listen(udp.address().port, host);
        await once(tcp, 'listening');
        return new FakeUpstream(udp, tcp, behaviour);
      } catch {
        // Another program holds that port for TCP.
        udp.close();
      }
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#udp.close();
    for (const socket of this.#connections) socket.destroy();
    if (this.#tcp !== null) {
      this.#tcp.close();
      await once(this.#tcp, 'close');
    }
  }

  #serve(socket: Socket): void {
    this.#connections.add(socket);
    let received = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('close', () => this.#connections.delete(socket));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const end = 2 + received.readUInt16BE(0);
        const message = received.subarray(2, end);
        received = received.subarray(end);
        this.#receive('tcp', message, socket.remotePort ?? 0, (answer) => socket.write(framed(answer)));
      }
    });
  }

  #receive(transport: 'udp' | 'tcp', bytes: Buffer, sourcePort: number, reply: (message: Uint8Array) => void): void {
    const query: ReceivedQuery = {
      transport,
      bytes,
      message: packet.decode(bytes),
      id: bytes.readUInt16BE(0),
      sourcePort,
    };
    // What the forwarder asks to find loops is of interest to their tests alone.
    if (query.message.questions?.[0]?.type === 'HINFO' && !this.seesLoopProbes) return;
    this.queries.push(query);
    this.behaviour(query, reply);
  }
}

/** With TCP's length prefix. */
export function framed(message: Uint8Array): Buffer {
  const prefix = Buffer.alloc(2);
  prefix.writeUInt16BE(message.length);
  return Buffer.concat([prefix, message]);
}

export function optRecord(udpPayloadSize: number, dnssecOk: boolean): packet.Answer {
  return {
    type: 'OPT',
    name: '.',
    udpPayloadSize,
    extendedRcode: 0,
    ednsVersion: 0,
    flags: dnssecOk ? packet.DNSSEC_OK : 0,
    flag_do: dnssecOk,
    options: [],
  };
}

export interface QueryOptions {
  readonly id?: number;
  readonly type?: packet.RecordType;
  /** Header flags; RD alone by default. */
  readonly flags?: number;
  /** Sends an OPT of this size. */
  readonly udpSize?: number;
  readonly dnssecOk?: boolean;
}

export function encodeQuery(name: string, options: QueryOptions = {}): Buffer {
  const additionals = options.udpSize === undefined ? [] : [optRecord(options.udpSize, options.dnssecOk === true)];
  return packet.encode({
    type: 'query',
    id: options.id ?? 0x1234,
    flags: options.flags ?? packet.RECURSION_DESIRED,
    questions: [{ type: options.type ?? 'A', name, class: 'IN' }],
    additionals,
  });
}

export interface AnswerOptions {
  readonly id?: number;
  /** Beside QR, RD, RA. */
  readonly flags?: number;
  readonly rcode?: number;
  readonly addresses?: readonly string[];
  readonly question?: string;
  readonly authorities?: packet.Answer[];
  readonly additionals?: packet.Answer[];
}

/** An honest answer to `query`, but for what `options` say. */
export function encodeAnswer(query: ReceivedQuery, options: AnswerOptions = {}): Buffer {
  const [question] = query.message.questions ?? [];
  if (question === undefined) throw new Error('a query without question');
  const name = options.question ?? question.name;
  return packet.encode({
    type: 'response',
    id: options.id ?? query.id,
    flags: packet.RECURSION_DESIRED | packet.RECURSION_AVAILABLE | (options.flags ?? 0) | (options.rcode ?? 0),
    questions: [{ ...question, name }],
    answers: (options.addresses ?? ['192.0.2.1']).map((data) => ({ type: 'A', class: 'IN', name, ttl: 60, data })),
    authorities: options.authorities ?? [],
    additionals: options.additionals ?? [],
  });
}

/** The addresses of an answer's A records. */
export function addressesOf(message: packet.DecodedPacket): string[] {
  return (message.answers ?? []).flatMap((answer) => (answer.type === 'A' ? [answer.data] : []));
}
