// Reading a table that another thread may replace at any moment: a worker announces the table it reads, and the host
// reuses a table's memory only when no worker announces it (hazard pointers).

import { CONTROL_TABLE, WORKER_ANNOUNCED } from '../shared/layout';

/** Announces the current table. @returns its address; it stays valid until withdraw(). 0 before the first table */
export function announce(worker: usize): usize {
  let table = atomic.load<u32>(CONTROL_TABLE);
  while (true) {
    atomic.store<u32>(worker + WORKER_ANNOUNCED, table);
    // The host may have published another one, and looked for announcements, between the two lines above.
    const again = atomic.load<u32>(CONTROL_TABLE);
    if (again == table) return table;
    table = again;
  }
}

export function withdraw(worker: usize): void {
  atomic.store<u32>(worker + WORKER_ANNOUNCED, 0);
}
