// The core's exports, nothing else.

import {
  CONTROL_BASE,
  CONTROL_OPTIONS_END,
  CONTROL_SECRETS,
  CONTROL_SIZE,
  WORKER_END,
  WORKER_FIELDS_END,
  WORKER_ORDER,
  WORKER_SIZE,
  WORKERS_BASE,
} from './shared/layout';

if (WORKER_END > WORKER_SIZE) ERROR('the worker block is larger than WORKER_SIZE');
if (CONTROL_OPTIONS_END > CONTROL_SECRETS) ERROR('the options run into CONTROL_SECRETS');
if (CONTROL_BASE + CONTROL_SIZE > WORKERS_BASE) ERROR('the control block runs into the workers');
if (WORKER_FIELDS_END > WORKER_ORDER) ERROR('the worker fields run into WORKER_ORDER');

export { flushCache, flushName, openCache } from './cache/open';
export { storeReply } from './cache/store';
export { askAgain, findReply } from './cache/writer';
export { answerBatch, answerSlot, answerStream, encodeStream, failSlot, parseStream } from './resolve';
export { LAYOUT_VERSION } from './shared/layout';
export { insertNode, pageOfNode, removeNode, sameNode } from './table/index-page';
export { insertNames } from './table/insert-names';
export { sealTable } from './table/seal';
export { writeServices } from './table/write-services';
