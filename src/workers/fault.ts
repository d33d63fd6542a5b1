// A switch that makes a chosen thread of the batched driver fail, for tests of what happens then. Never set it in
// production. MESOS_DNS_FAULT=WORKER@BATCH throws in that batch of that worker (both counted from 1), and again after
// every restart. Worker 0 is the stream thread; its batches are those of queries that it is to forward.

export const FAULT_VARIABLE = 'MESOS_DNS_FAULT';

/** @returns the number of the batch to fail in, or null */
export function faultAtBatch(worker: number, text: string | undefined): number | null {
  const [, chosen, batch] = /^(\d+)@(\d+)$/.exec(text ?? '') ?? [];
  return Number(chosen) === worker ? Number(batch) : null;
}
