// What does it cost to derive the records of a state, and how much memory do they take?

import { deriveRecords } from '../../src/records/derive.ts';
import { parseState } from '../../src/state/parse.ts';
import { deriveInput } from '../../test/support/states.ts';
import { benchDocument, taskCount } from '../support/document.ts';
import { measure } from '../support/measure.ts';

export async function run(): Promise<void> {
  const { state } = parseState(benchDocument());
  const cases = {
    'default keys': {},
    'without dotted names': { dottedNames: false },
    'with PTR and agents’ named ports': { reverseDNSOn: true, slaveNamedPorts: true },
  };
  console.log(`the records of ${taskCount} tasks`);
  const rows: Record<string, Record<string, string>> = {};
  for (const [name, config] of Object.entries(cases)) {
    const input = deriveInput(state, config);
    const { as, aaaas, srvs } = deriveRecords(input);
    const lists = [...as.values(), ...aaaas.values(), ...srvs.values()];
    const { cpuMs, keptBytes } = measure(() => deriveRecords(input));
    rows[name] = {
      'CPU ms': cpuMs.toFixed(0),
      lists: String(lists.length),
      'different lists': String(new Set(lists).size),
      'kept MB': (keptBytes / 1e6).toFixed(1),
    };
  }
  console.table(rows);
}
