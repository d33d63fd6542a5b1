// The one place that touches the inside of node-zookeeper-client 1.1: what is repaired there, and how a client is
// thrown away without leaving a socket, a timer or a late exception behind.
//
// The library never gives up on a connection by itself, keeps bytes of one connection for the next, throws out of
// socket handlers and cannot be closed while it connects. So a client here makes one connection to one server, is told
// when that ends, and is never used again.

import type { Socket } from 'node:net';
import type { Client } from 'node-zookeeper-client';
import type { HostPort } from '../dns/endpoint.ts';
import { messageOf } from '../errors.ts';
import { zookeeperLibrary } from './zookeeper-library.ts';

/** The parts of ConnectionManager (lib/ConnectionManager.js) that are used or replaced on the instance. */
interface ConnectionManager {
  state: number;
  /** Undefined until the first connection attempt. */
  socket?: Socket;
  servers: readonly HostPort[];
  xid: number;
  connectTimeoutHandler: NodeJS.Timeout | null;
  findNextServer(callback: (server: HostPort) => void): void;
  onSocketData(frame: Buffer): void;
  onSocketError(error: Error): void;
  onSocketClosed(hadError: boolean): void;
  removeAllListeners(): void;
}

const STATE_CLOSING = -1;
/** The connect string is only a placeholder: the library splits it at every colon, so it cannot name IPv6. */
const PLACEHOLDER = '127.0.0.1:2181';
const FRAME_HEADER_BYTES = 4;
/** A reply's header: xid, zxid, error. The answer to the connect request is longer. */
const MIN_FRAME_BYTES = 16;
/** Four times what a server sends by default (jute.maxbuffer); `HTTP` read as a length is 1.2 GB. */
const MAX_FRAME_BYTES = 4 << 20;
const POLITE_CLOSE_MS = 250;

export interface DisposableClient {
  readonly client: Client;
  connect(): void;
  /** Ends everything at once. */
  discard(): void;
  /** Lets the server forget the session now instead of at its time-out; at most 250 ms. For a connected client only. */
  closePolitely(): Promise<void>;
}

/** @param onEnd called once, unless it was discarded or closed before, with what ended the connection */
export function createDisposableClient(
  server: HostPort,
  options: { readonly sessionTimeoutMs: number; readonly credentials: string | null },
  onEnd: (reason: string) => void,
): DisposableClient {
  const client = zookeeperLibrary().createClient(PLACEHOLDER, { sessionTimeout: options.sessionTimeoutMs, retries: 0 });
  const manager = internalsOf(client);
  let ended = false;
  let socketError: string | null = null;

  const end = (reason: string): void => {
    if (ended) return;
    discard();
    onEnd(reason);
  };

  manager.servers = [server];
  manager.xid = 1; // the server never counts down a request of xid 0 when it throttles
  // Sent before anything else once connected; requests must not be queued before that.
  if (options.credentials !== null) client.addAuthInfo('digest', Buffer.from(options.credentials, 'utf8'));

  // Synchronous, so that the socket exists as soon as connect() returns and can always be destroyed.
  manager.findNextServer = (callback) => callback(server);
  const handleFrame = manager.onSocketData.bind(manager);
  const frames = new FrameSplitter();
  manager.onSocketData = (chunk) => {
    try {
      for (const frame of frames.split(chunk)) {
        if (ended) return;
        handleFrame(frame);
      }
    } catch (error) {
      end(`unusable answer: ${messageOf(error)}`);
    }
  };
  manager.onSocketError = (error) => {
    // Node's error for several refused addresses (localhost) has no text of its own.
    socketError = error.message || ('code' in error ? String(error.code) : error.name);
  };
  // The library would connect again here.
  manager.onSocketClosed = () => end(socketError ?? 'the connection was closed');
  client.on('expired', () => end('the session has expired'));
  client.on('authenticationFailed', () => end('the server refused the authentication'));

  return {
    client,
    connect() {
      try {
        client.connect();
        // The caller's timer covers the answer too, not only the TCP connection.
        clearTimeout(manager.connectTimeoutHandler ?? undefined);
      } catch (error) {
        end(messageOf(error));
      }
    },
    discard,
    async closePolitely() {
      const { socket } = manager;
      if (ended || socket === undefined || socket.destroyed) return discard();
      ended = true;
      const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
      const timer = setTimeout(() => discardSocket(socket), POLITE_CLOSE_MS);
      try {
        client.close(); // the server answers and then closes the connection
      } catch {
        discardSocket(socket);
      }
      detach();
      await closed;
      clearTimeout(timer);
    },
  };

  function discard(): void {
    ended = true;
    detach();
    if (manager.socket !== undefined) discardSocket(manager.socket);
  }

  function detach(): void {
    client.removeAllListeners();
    manager.removeAllListeners();
    manager.state = STATE_CLOSING; // nothing is queued or reconnected in this state
    clearTimeout(manager.connectTimeoutHandler ?? undefined);
  }
}

function discardSocket(socket: Socket): void {
  for (const event of ['connect', 'data', 'drain', 'error', 'timeout']) socket.removeAllListeners(event);
  socket.on('error', () => {});
  socket.destroy();
}

function internalsOf(client: Client): ConnectionManager {
  return (client as unknown as { readonly connectionManager: ConnectionManager }).connectionManager;
}

/**
 * Cuts the byte stream into whole frames (length, payload), so that the library, which keeps and re-reads partial ones,
 * sees only complete frames of a plausible size.
 */
class FrameSplitter {
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  /** Bytes needed before the next frame can be cut. */
  #neededBytes = FRAME_HEADER_BYTES;

  /** @throws Error where the bytes cannot be ZooKeeper's */
  *split(chunk: Buffer): Generator<Buffer> {
    this.#pending.push(chunk);
    this.#pendingBytes += chunk.length;
    while (this.#pendingBytes >= this.#neededBytes) {
      const buffer = this.#pending.length === 1 ? (this.#pending[0] ?? chunk) : Buffer.concat(this.#pending);
      const length = buffer.readInt32BE(0);
      if (length < MIN_FRAME_BYTES || length > MAX_FRAME_BYTES) {
        throw new Error(`a frame of ${length} bytes; this is not a ZooKeeper server`);
      }
      const frameBytes = FRAME_HEADER_BYTES + length;
      if (buffer.length < frameBytes) {
        this.#keep(buffer, frameBytes);
        return;
      }
      this.#keep(buffer.subarray(frameBytes), FRAME_HEADER_BYTES);
      yield buffer.subarray(0, frameBytes);
    }
  }

  #keep(rest: Buffer, neededBytes: number): void {
    this.#pending = [rest];
    this.#pendingBytes = rest.length;
    this.#neededBytes = neededBytes;
  }
}
