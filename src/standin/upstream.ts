// A stand-in for an upstream name server, over UDP and TCP on one port: answers `example.com` with documentation
// addresses, NXDOMAIN for other names, and misbehaves on request.

import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram';
import { createServer, type Server, type Socket } from 'node:net';
import dns from 'dns-packet';

/** What the server does with a query. */
export type UpstreamBehaviour =
  | { readonly kind: 'answer' }
  /** Says nothing; over TCP it keeps the connection open. */
  | { readonly kind: 'drop' }
  /** Answers with this response code and no records. */
  | { readonly kind: 'rcode'; readonly rcode: 'SERVFAIL' | 'REFUSED' | 'NOTIMP' | 'FORMERR' }
  /** TC and no records over UDP, the full answer over TCP. */
  | { readonly kind: 'truncate' }
  /** The right answer under another id. */
  | { readonly kind: 'wrong-id' }
  /** An answer to another question under the right id. */
  | { readonly kind: 'wrong-question' }
  /** The right answer from another UDP port. */
  | { readonly kind: 'other-port' }
  | { readonly kind: 'late'; readonly delayMs: number }
  /** Bytes that are no DNS message. */
  | { readonly kind: 'garbage' }
  /** The answer in two pieces over TCP, cut within the length prefix; as `answer` over UDP. */
  | { readonly kind: 'split' }
  /** Closes the connection over TCP; says nothing over UDP. */
  | { readonly kind: 'close' };

export interface UpstreamQuery {
  readonly id: number;
  readonly name: string;
  readonly type: string;
  readonly transport: 'udp' | 'tcp';
  /** The asking port. */
  readonly port: number;
}

export interface UpstreamOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** 0 (default): one that is free for UDP and TCP. */
  readonly port?: number;
  /** Answers besides the documentation's, by lower-case name without final dot. */
  readonly records?: Readonly<Record<string, readonly dns.Answer[]>>;
}

const DOCUMENTATION: Readonly<Record<string, readonly dns.Answer[]>> = {
  'example.com': [
    { type: 'A', name: 'example.com', ttl: 300, data: '192.0.2.10' },
    { type: 'AAAA', name: 'example.com', ttl: 300, data: '2001:db8::10' },
  ],
  'www.example.com': [
    { type: 'A', name: 'www.example.com', ttl: 300, data: '192.0.2.80' },
    { type: 'AAAA', name: 'www.example.com', ttl: 300, data: '2001:db8::80' },
  ],
};

export class StandinUpstream {
  /** May be set at any time; separate for the two transports. */
  readonly behaviour: { udp: UpstreamBehaviour; tcp: UpstreamBehaviour } = {
    udp: { kind: 'answer' },
    tcp: { kind: 'answer' },
  };
  /** Every query that arrived, in order, but for those by which a forwarder looks for loops (HINFO). */
  readonly queries: UpstreamQuery[] = [];
  readonly #options: UpstreamOptions;
  readonly #records: Readonly<Record<string, readonly dns.Answer[]>>;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #connections = new Set<Socket>();
  #udp: UdpSocket | null = null;
  #tcp: Server | null = null;
  #port: number;

  constructor(options: UpstreamOptions = {}) {
    this.#options = options;
    this.#records = { ...DOCUMENTATION, ...options.records };
    this.#port = options.port ?? 0;
  }

  /** `host:port`, valid once started. */
  get endpoint(): string {
    return `${this.#host}:${this.#port}`;
  }

  get port(): number {
    return this.#port;
  }

  get #host(): string {
    return this.#options.host ?? '127.0.0.1';
  }

  setBehaviour(behaviour: UpstreamBehaviour): void {
    this.behaviour.udp = behaviour;
    this.behaviour.tcp = behaviour;
  }

  async start(): Promise<void> {
    // A port that is free for UDP can be taken for TCP: try others then, unless one was asked for.
    for (let attempt = 0; ; attempt += 1) {
      const udp = await bindUdp(this.#host, this.#options.port ?? 0);
      try {
        this.#tcp = await this.#listen(udp.address().port);
      } catch (error) {
        udp.close();
        if ((this.#options.port ?? 0) !== 0 || attempt === 9) throw error;
        continue;
      }
      this.#udp = udp;
      this.#port = udp.address().port;
      udp.on('message', (message, from) => this.#onDatagram(udp, message, from));
      return;
    }
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    for (const connection of this.#connections) connection.destroy();
    const [udp, tcp] = [this.#udp, this.#tcp];
    this.#udp = null;
    this.#tcp = null;
    await Promise.all([
      new Promise<void>((resolve) => (udp === null ? resolve() : udp.close(() => resolve()))),
      new Promise<void>((resolve) => (tcp === null ? resolve() : tcp.close(() => resolve()))),
    ]);
  }

  #onDatagram(udp: UdpSocket, message: Buffer, from: RemoteInfo): void {
    const query = this.#note(message, 'udp', from.port);
    if (query === null) return;
    const behaviour = this.behaviour.udp;
    const reply = (bytes: Buffer, socket: UdpSocket = udp): void => {
      if (this.#udp === udp) socket.send(bytes, from.port, from.address, () => undefined);
    };
    if (behaviour.kind === 'truncate') {
      reply(encode(query, { flags: dns.TRUNCATED_RESPONSE }));
    } else if (behaviour.kind === 'other-port') {
      const other = createSocket('udp4');
      other.send(this.#answer(query, behaviour), from.port, from.address, () => other.close());
    } else if (behaviour.kind === 'late') {
      this.#later(behaviour.delayMs, () => reply(this.#answer(query, behaviour)));
    } else if (behaviour.kind !== 'drop' && behaviour.kind !== 'close') {
      reply(this.#answer(query, behaviour));
    }
  }

  async #listen(port: number): Promise<Server> {
    const server = createServer((socket) => {
      this.#connections.add(socket);
      socket.once('close', () => this.#connections.delete(socket));
      socket.on('error', () => socket.destroy());
      let pending = Buffer.alloc(0);
      socket.on('data', (piece) => {
        pending = Buffer.concat([pending, piece]);
        while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
          const end = 2 + pending.readUInt16BE(0);
          this.#onTcpMessage(socket, pending.subarray(2, end));
          pending = pending.subarray(end);
        }
      });
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: this.#host, port }, resolve);
    });
    return server;
  }

  #onTcpMessage(socket: Socket, message: Buffer): void {
    const query = this.#note(message, 'tcp', socket.remotePort ?? 0);
    if (query === null) return;
    const behaviour = this.behaviour.tcp;
    const reply = (): void => {
      const bytes = this.#answer(query, behaviour);
      const framed = Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
      if (behaviour.kind !== 'split') {
        socket.write(framed);
        return;
      }
      socket.write(framed.subarray(0, 1));
      this.#later(20, () => socket.write(framed.subarray(1)));
    };
    if (behaviour.kind === 'close') socket.destroy();
    else if (behaviour.kind === 'late') this.#later(behaviour.delayMs, reply);
    else if (behaviour.kind !== 'drop') reply();
  }

  #note(message: Buffer, transport: 'udp' | 'tcp', port: number): dns.DecodedPacket | null {
    try {
      const query = dns.decode(message);
      const [question] = query.questions ?? [];
      if (question?.type === 'HINFO') return query;
      this.queries.push({
        id: query.id ?? 0,
        name: question?.name ?? '',
        type: question?.type ?? '',
        transport,
        port,
      });
      return query;
    } catch {
      return null; // a test of odd queries reaches real upstreams likewise: they stay silent
    }
  }

  #answer(query: dns.DecodedPacket, behaviour: UpstreamBehaviour): Buffer {
    switch (behaviour.kind) {
      case 'rcode':
        return encode(query, { rcode: behaviour.rcode });
      case 'wrong-id':
        return encode(query, { ...this.#lookUp(query), id: ((query.id ?? 0) + 1) & 0xffff });
      case 'wrong-question': {
        const name = 'wrong.example.com';
        const answers: dns.Answer[] = [{ type: 'A', name, ttl: 300, data: '192.0.2.66' }];
        return encode(query, { answers, questions: [{ type: 'A', name }] });
      }
      case 'garbage':
        return Buffer.from('this is not a DNS message');
      default:
        return encode(query, this.#lookUp(query));
    }
  }

  #lookUp(query: dns.DecodedPacket): { answers?: dns.Answer[]; authorities?: dns.Answer[]; rcode?: string } {
    const [question] = query.questions ?? [];
    const name = question?.name.toLowerCase() ?? '';
    const records = this.#records[name];
    if (records === undefined) return { rcode: 'NXDOMAIN', authorities: [startOfAuthority(name)] };
    const wanted: string | undefined = question?.type;
    const answers = records.filter((record) => wanted === record.type || wanted === 'ANY');
    // As the question spells the name, so that clients which compare letter by letter are content.
    return { answers: answers.map((record) => ({ ...record, name: question?.name ?? record.name })) };
  }

  #later(delayMs: number, action: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      action();
    }, delayMs);
    this.#timers.add(timer);
  }
}

const RCODES: Readonly<Record<string, number>> = { FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 };

function encode(
  query: dns.DecodedPacket,
  parts: {
    readonly id?: number;
    readonly flags?: number;
    readonly rcode?: string;
    readonly questions?: dns.Question[];
    readonly answers?: dns.Answer[];
    readonly authorities?: dns.Answer[];
  },
): Buffer {
  const wantsRecursion = query.flag_rd ? dns.RECURSION_DESIRED : 0;
  return dns.encode({
    type: 'response',
    id: parts.id ?? query.id ?? 0,
    flags: (parts.flags ?? 0) | wantsRecursion | dns.RECURSION_AVAILABLE | (RCODES[parts.rcode ?? ''] ?? 0),
    questions: parts.questions ?? query.questions ?? [],
    answers: parts.answers ?? [],
    authorities: parts.authorities ?? [],
  });
}

function startOfAuthority(name: string): dns.Answer {
  const zone = name.split('.').slice(-1)[0] ?? '';
  return {
    type: 'SOA',
    name: zone,
    ttl: 300,
    data: {
      mname: 'ns.example.com',
      rname: 'root.example.com',
      serial: 1,
      refresh: 3600,
      retry: 600,
      expire: 86400,
      minimum: 300,
    },
  };
}

async function bindUdp(host: string, port: number): Promise<UdpSocket> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(port, host, resolve);
  });
  return socket;
}
