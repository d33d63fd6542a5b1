// Keys about the log.

import type { KeyTable } from '../key.ts';

export const LOGS_KEYS = {
  logFormat: {
    type: 'string',
    default: 'auto',
    oneOf: ['auto', 'text', 'journal', 'json'],
    doc: 'What lines of the log look like: `text` for people, `journal` with priorities and without times for journald, `json` for collectors. `auto` is `journal` where journald reads standard error, and `text` elsewhere.',
  },
  queryLogSample: {
    type: 'integer',
    default: 0,
    min: 0,
    max: 1_000_000_000,
    doc: 'Log one of so many queries, chosen at random: 1 for all, 1000 for one in a thousand, 0 for none. 20 lines a second are written at most.',
  },
} as const satisfies KeyTable;
