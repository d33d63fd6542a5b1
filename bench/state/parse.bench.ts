// What does it cost to read a state document, and how much of it stays?
//
// JSON.parse, which makes objects of all of it, is the measure. The reader alone checks the document and makes nothing.

import { readDocument } from '../../src/state/json-reader.ts';
import { parseState } from '../../src/state/parse.ts';
import { benchDocument, taskCount } from '../support/document.ts';
import { measure } from '../support/measure.ts';

export async function run(): Promise<void> {
  const document = benchDocument();
  const cases: Readonly<Record<string, () => unknown>> = {
    'reader alone': () => readDocument(document, (json) => json.skip()),
    'JSON.parse': () => JSON.parse(document.toString()),
    parseState: () => parseState(document),
  };
  const megabytes = document.length / 1e6;
  console.log(`a state of ${taskCount} tasks, ${megabytes.toFixed(1)} MB`);
  const rows: Record<string, Record<string, string>> = {};
  for (const [name, make] of Object.entries(cases)) {
    const { cpuMs, keptBytes } = measure(make);
    rows[name] = {
      'CPU ms': cpuMs.toFixed(0),
      'MB/s': ((megabytes / cpuMs) * 1000).toFixed(0),
      'kept MB': (keptBytes / 1e6).toFixed(1),
    };
  }
  console.table(rows);
}
