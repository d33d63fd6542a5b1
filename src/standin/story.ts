// What happens in the demonstration: one change after the other, each with the query that shows it.

import type { DemoCluster } from './demo-cluster.ts';
import type { Ensemble } from './ensemble.ts';

export interface StoryStep {
  /** What changed, in a few words. */
  readonly what: string;
  /** A shell command whose answer shows it. */
  readonly query: string;
}

export interface StoryPorts {
  readonly dnsPort: number;
  readonly httpPort: number;
}

/** Goes round in a circle. `nginx` and every other application keep at least one running task all the time. */
export class Story {
  readonly #demo: DemoCluster;
  readonly #ensemble: Ensemble;
  readonly #dig: string;
  #next = 0;
  /** The master that was killed last, to be started again by the following step. */
  #dead: number | null = null;

  constructor(demo: DemoCluster, ensemble: Ensemble, ports: StoryPorts) {
    this.#demo = demo;
    this.#ensemble = ensemble;
    this.#dig = digCommand(ports);
  }

  /** Changes the cluster once more. */
  async step(): Promise<StoryStep> {
    if (this.#dead !== null) {
      await this.#ensemble.restart(this.#dead);
      this.#dead = null;
    }
    const steps = this.#steps();
    const step = steps[this.#next++ % steps.length];
    if (step === undefined) throw new Error('a story needs steps');
    return await step();
  }

  #steps(): readonly (() => StoryStep | Promise<StoryStep>)[] {
    return [
      () => this.#scaleNginx(2),
      () => this.#restart('myapp.dev'),
      () => this.#scaleNginx(3),
      () => this.#failover(),
      () => this.#moveCassandra(),
      () => this.#scaleNginx(1),
      () => this.#runJobAgain(),
    ];
  }

  #scaleNginx(instances: number): StoryStep {
    const before = this.#demo.marathon.tasks('nginx').length;
    this.#demo.marathon.scale('nginx', instances);
    return { what: `nginx scaled from ${before} to ${instances}`, query: `${this.#dig} +short nginx.marathon.mesos` };
  }

  #restart(name: string): StoryStep {
    this.#demo.marathon.restart(name);
    return {
      what: `${name} restarted one by one, on other ports`,
      query: `${this.#dig} +short SRV _${name}._tcp.marathon.mesos`,
    };
  }

  async #failover(): Promise<StoryStep> {
    const { masters, leader } = this.#ensemble;
    if (leader === null) throw new Error('somebody always leads in a story');
    const dying = masters.indexOf(leader);
    await this.#ensemble.kill(dying);
    this.#dead = dying;
    return {
      what: `leading master ${leader.endpoint} killed, ${this.#ensemble.leader?.endpoint ?? 'nobody'} leads`,
      query: `${this.#dig} +short SRV _leader._tcp.mesos`,
    };
  }

  #moveCassandra(): StoryStep {
    this.#demo.cassandra.restart('node-1');
    return {
      what: 'cassandra node-1 moved to another agent',
      query: `${this.#dig} +short SRV _native._node-1._tcp.cassandra.prod.mesos`,
    };
  }

  #runJobAgain(): StoryStep {
    const { chronos } = this.#demo;
    const running = chronos.tasks('nightly-report');
    chronos.scale('nightly-report', running.length + 1);
    for (const task of running) chronos.kill(task.id, 'TASK_FINISHED');
    return {
      what: 'chronos job nightly-report finished and started anew',
      query: `${this.#dig} +short nightly-report.chronos.mesos`,
    };
  }
}

export function digCommand(ports: StoryPorts): string {
  return `dig @127.0.0.1 -p ${ports.dnsPort}`;
}

/** The commands worth trying from the start. @param containerAddress an address that only one task has. */
export function openingLines(ports: StoryPorts, containerAddress: string): readonly string[] {
  const dig = digCommand(ports);
  const api = `curl http://127.0.0.1:${ports.httpPort}`;
  return [
    `${dig} nginx.marathon.mesos`,
    `${dig} SRV _nginx._tcp.marathon.mesos`,
    `${dig} myapp.dev.marathon.mesos`,
    `${dig} SRV _myapp.dev._tcp.marathon.mesos`,
    `${dig} SRV _http._api._tcp.marathon.mesos`,
    `${dig} AAAA search.marathon.mesos`,
    `${dig} -x ${containerAddress}`,
    `${dig} node-0.cassandra.prod.mesos`,
    `${dig} leader.mesos`,
    `${dig} example.com`,
    `${api}/v1/hosts/nginx.marathon.mesos`,
    `${api}/v1/services/_nginx._tcp.marathon.mesos`,
    `${api}/v1/enumerate`,
  ];
}
