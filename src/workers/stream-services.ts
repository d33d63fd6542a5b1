// The sockets of the stream thread, which a reload may change: what stays is not touched, what is new is opened first.

import type { DnsService, Place } from '../sockets/service.ts';
import { isWildcard } from '../sockets/socket-address.ts';
import type { BoundEndpoint } from './messages.ts';

export type Transport = BoundEndpoint['transport'];

interface Running {
  readonly transport: Transport;
  readonly place: Place;
  readonly service: DnsService;
  readonly endpoint: BoundEndpoint;
}

export interface StreamServicesOptions {
  readonly create: (transport: Transport, place: Place) => DnsService;
  /** For answers under way on sockets that are given up. */
  readonly graceMs: number;
}

export class StreamServices {
  readonly #options: StreamServicesOptions;
  #running: readonly Running[] = [];

  constructor(options: StreamServicesOptions) {
    this.#options = options;
  }

  /**
   * Serves these places and no others. Throws MesosDnsError ERR_LISTEN, and goes on as before, where that cannot be.
   * @returns in the order of the places, UDP first
   */
  async serve(wanted: Readonly<Record<Transport, readonly Place[]>>): Promise<readonly BoundEndpoint[]> {
    const places = (['udp', 'tcp'] as const).flatMap((transport) =>
      wanted[transport].map((place) => ({ transport, place })),
    );
    const stays = (each: Running) => places.some((other) => isSame(each, other));
    const leaving = this.#running.filter((each) => !stays(each));
    // A wildcard and an address of the same port exclude one another: there the old socket has to go first.
    const inTheWay = leaving.filter((each) => places.some((other) => excludes(each, other)));
    for (const { service } of inTheWay) void service.close(this.#options.graceMs);
    const staying = this.#running.filter((each) => !inTheWay.includes(each));
    const added: Running[] = [];
    try {
      for (const each of places) {
        if (!staying.some((other) => isSame(each, other))) added.push(await this.#start(each));
      }
    } catch (error) {
      for (const { service } of added) void service.close(0);
      const restored: Running[] = [];
      for (const each of inTheWay) restored.push(await this.#start(each));
      this.#running = [...staying, ...restored];
      throw error;
    }
    for (const each of leaving) if (!inTheWay.includes(each)) void each.service.close(this.#options.graceMs);
    const all = [...staying, ...added];
    this.#running = places.flatMap((place) => all.find((each) => isSame(each, place)) ?? []);
    return this.#running.map(({ endpoint }) => endpoint);
  }

  async close(graceMs: number): Promise<void> {
    await Promise.all(this.#running.map(({ service }) => service.close(graceMs)));
  }

  async #start({ transport, place }: Pick<Running, 'transport' | 'place'>): Promise<Running> {
    const service = this.#options.create(transport, place);
    return { transport, place, service, endpoint: { transport, ...(await service.listen()) } };
  }
}

type Wanted = Pick<Running, 'transport' | 'place'>;

function isSame(one: Wanted, other: Wanted): boolean {
  const { address, port, fd } = one.place;
  const { place } = other;
  return one.transport === other.transport && address === place.address && port === place.port && fd === place.fd;
}

function excludes(one: Wanted, other: Wanted): boolean {
  if (one.transport !== other.transport || one.place.port !== other.place.port) return false;
  return isWildcard(one.place.address) || isWildcard(other.place.address);
}
