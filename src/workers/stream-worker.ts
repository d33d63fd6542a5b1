// The entry of the stream thread: TCP sockets, the forwarder for everybody, and UDP sockets where `dgram` serves them.

import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { ReplyCache } from '../cache/reply-cache.ts';
import { MAX_MESSAGE_SIZE } from '../dns/constants.ts';
import { createCoreAnswerer } from '../engine/core-answerer.ts';
import { awaitTable } from '../engine/memory.ts';
import { MesosDnsError, messageOf } from '../errors.ts';
import { countingForwarder } from '../forwarder/counting.ts';
import {
  createForwarder,
  createForwarderHistory,
  DEFAULT_MAX_SOCKETS,
  type Forwarder,
} from '../forwarder/forwarder.ts';
import { SwitchedForwarder } from '../forwarder/switched.ts';
import { descriptorLimit } from '../observability/descriptors.ts';
import { createLog, roomLogger } from '../observability/logger.ts';
import { type Libc, loadLibc, must } from '../sockets/libc.ts';
import { QuerySampler, sampledAnswerer } from '../sockets/query-sampler.ts';
import type { DnsService, Place } from '../sockets/service.ts';
import { createTcpService, DEFAULT_TCP_LIMITS, sumOfCounters, type TcpService } from '../sockets/tcp.ts';
import { Turns } from '../sockets/turns.ts';
import { UdpControl } from '../sockets/udp-control.ts';
import { createUdpService } from '../sockets/udp-dgram.ts';
import { UdpRelay } from '../sockets/udp-relay.ts';
import { UpstreamDatagrams } from '../sockets/upstream-datagrams.ts';
import { FAULT_VARIABLE, faultAtBatch } from './fault.ts';
import type { StreamOrder, StreamReport, StreamSettings, StreamTuning } from './messages.ts';
import { takePriority } from './priority.ts';
import { StreamServices } from './stream-services.ts';

/** For answers to be taken by clients after the time for open queries is over. */
const LAST_ANSWERS_MS = 250;
/** For answers under way on sockets that a reload gives up. */
const RETIRE_GRACE_MS = 5000;
/** Shares of the file descriptors that connections of clients and questions to resolvers may take. */
const CLIENTS_SHARE = 1 / 2;
const RESOLVERS_SHARE = 1 / 4;

if (parentPort !== null) void serve(workerData as StreamSettings, parentPort);

async function serve(settings: StreamSettings, main: MessagePort): Promise<void> {
  takePriority(settings.priority);
  const { root, setFormat } = createLog(settings.verbosity);
  setFormat(settings.logFormat);
  const report = (message: StreamReport) => main.postMessage(message);
  const answerer = createCoreAnswerer(settings);
  const descriptors = descriptorLimit();
  const cache = new ReplyCache(answerer.stream, answerer.counts);
  const turns = new Turns();
  const libc = settings.io === 'batched' || hasPassedSockets(settings) ? await loadLibc() : null;
  const datagrams = settings.io === 'batched' && libc !== null ? new UpstreamDatagrams(libc, turns) : null;
  process.once('exit', () => datagrams?.close());
  const history = createForwarderHistory();
  const forwarderFor = (tuning: StreamTuning) =>
    createForwarder({
      hooks: cache.hooks,
      history,
      ...(datagrams === null ? {} : { openDatagrams: datagrams.open }),
      maxSockets: Math.min(DEFAULT_MAX_SOCKETS, Math.floor(descriptors * RESOLVERS_SHARE)),
      routes: tuning.routes,
      zones: tuning.zones,
      policy: tuning.forwardPolicy,
      randomCase: tuning.forwardRandomCase,
      certificateAuthorities: tuning.forwardAuthorities,
      timeoutSeconds: tuning.timeoutSeconds,
      recursionAvailable: tuning.recursionAvailable,
      logger: roomLogger(root, 'forwarder'),
    });
  let tuning: StreamTuning = settings;
  const forwarder = new SwitchedForwarder(forwarderFor(settings), settings.zones);
  // Who asks is no client; the answer is for those that come.
  cache.start((query, route) => void forwarder.forward(query, route, MAX_MESSAGE_SIZE));
  const overUdp = countingForwarder(forwarder, answerer.counts, 'udp');
  const overTcp = countingForwarder(forwarder, answerer.counts, 'tcp');
  const connectionsEach = Math.max(1, Math.floor((descriptors * CLIENTS_SHARE) / settings.tcp.length));
  const { maxConnections = DEFAULT_TCP_LIMITS.maxConnections } = settings.tcpLimits;
  const limits = { ...settings.tcpLimits, maxConnections: Math.min(maxConnections, connectionsEach) };
  const stopping: Pick<DnsService, 'close'>[] = [];
  /** All since the start: what those that are gone have counted still counts. */
  const tcpServices: TcpService[] = [];
  const sampler = new QuerySampler((query) => report({ kind: 'query', query }));
  const sampled = sampledAnswerer(answerer, sampler, () => tuning.queryLogSample);
  awaitTable(settings.memory);
  try {
    const relay =
      settings.io === 'batched' && libc !== null
        ? new UdpRelay({
            libc,
            turns,
            forwarder: overUdp,
            logger: roomLogger(root, 'udp'),
            udpPayloadBytes: () => tuning.udpPayloadBytes,
            faultAtBatch: faultAtBatch(settings.worker, process.env[FAULT_VARIABLE]),
          })
        : null;
    if (relay !== null) stopping.push(relay);
    const services = new StreamServices({
      graceMs: RETIRE_GRACE_MS,
      create: (transport, place) => {
        const common = { ...withOwnDescriptor(place, libc), answerer: sampled, logger: roomLogger(root, transport) };
        if (transport === 'tcp') {
          const tcp = createTcpService({ ...common, forwarder: overTcp, limits });
          tcpServices.push(tcp);
          return tcp;
        }
        return createUdpService({
          ...common,
          forwarder: overUdp,
          receiveBufferBytes: tuning.udpReceiveBufferBytes,
          sendBufferBytes: tuning.udpSendBufferBytes,
          udpPayloadBytes: () => tuning.udpPayloadBytes,
        });
      },
    });
    stopping.push(services);
    const tune = async (next: StreamTuning) => {
      const last = tuning;
      tuning = next;
      try {
        const replacement = isSameForwarding(last, next) ? null : forwarderFor(next);
        const endpoints = await services.serve(next);
        if (replacement !== null) {
          forwarder.replace(replacement, next.zones);
          cache.flush(null);
        }
        setFormat(next.logFormat);
        report({ kind: 'listening', endpoints });
      } catch (error) {
        tuning = last;
        report({ kind: 'refused', message: messageOf(error) });
      }
    };
    main.on('message', (order: StreamOrder) => {
      switch (order.kind) {
        case 'attach':
          relay?.attach(order.way, order.sockets, new UdpControl(order.control, 'forwarder'));
          return;
        case 'route':
          forwarder.current.setRoute(order.route, order.upstreams);
          // Other resolvers may know other names.
          cache.flush(null);
          return;
        case 'tune':
          void tune(order.tuning);
          return;
        case 'flush':
          report({ kind: 'flushed', entries: cache.flush(order.question) });
          return;
        case 'figures':
          report({
            kind: 'figures',
            forwarding: forwarder.current.figures,
            tcp: sumOfCounters(tcpServices.map((each) => each.counters)),
            prefetches: cache.prefetches,
          });
          return;
        case 'stop':
          cache.close();
          void stop(stopping, forwarder, order.graceMs).finally(() => main.close());
          return;
        default:
          order satisfies never;
      }
    });

    const endpoints = await services.serve(settings);
    report({ kind: 'listening', endpoints });
  } catch (error) {
    report({
      kind: 'failed',
      code: error instanceof MesosDnsError ? error.code : 'ERR_LISTEN',
      message: messageOf(error),
    });
  }
}

function hasPassedSockets({ udp, tcp }: StreamTuning): boolean {
  return [...udp, ...tcp].some(({ fd }) => fd !== undefined);
}

/** A socket that was handed over stays open when its service ends: the next one is served on another descriptor of it. */
function withOwnDescriptor(place: Place, libc: Libc | null): Place {
  if (place.fd === undefined || libc === null) return place;
  return { ...place, fd: must(libc, 'dup', libc.dup(place.fd)) };
}

function isSameForwarding(one: StreamTuning, other: StreamTuning): boolean {
  const of = ({ routes, zones, timeoutSeconds, recursionAvailable, ...rest }: StreamTuning) =>
    JSON.stringify([
      [routes, zones, timeoutSeconds, recursionAvailable],
      [rest.forwardPolicy, rest.forwardRandomCase, rest.forwardAuthorities],
    ]);
  return of(one) === of(other);
}

/** Who still waits for a resolver when the time is over gets SERVFAIL. */
async function stop(
  services: readonly Pick<DnsService, 'close'>[],
  forwarder: Pick<Forwarder, 'close'>,
  graceMs: number,
): Promise<void> {
  const timer = setTimeout(() => void forwarder.close(), graceMs);
  await Promise.all(services.map((service) => service.close(graceMs + LAST_ANSWERS_MS)));
  clearTimeout(timer);
  await forwarder.close();
}
