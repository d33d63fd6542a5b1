// The exports of the reader of JSON, nothing else.

export { goToElement, goToMember, isKeyEscaped, startOfKey } from './container';
export { readElements, resumedWhere } from './list';
export { entryOf } from './memo';
export { openDocument } from './open';
export { resumedAt } from './resume';
export { firstRow, rowsEnd } from './row';
export { endOfKey, hasLongNumber, skipSpace } from './token';
export { leftValueAt, resumeValue, skipValue } from './value';
export { completeWindow, failedAt, fill, isCut, makeRoom, unexpected, windowEnd, windowStart } from './window';
