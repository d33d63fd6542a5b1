// Where to go on after what was no address behind something.

import { CLOSED } from '../shared/rows';

let resumed: i32 = 0;

/** Notes where an object or a list ends. */
export function close(at: i32): i32 {
  return suspend(at, CLOSED);
}

/** Notes where to go on. @returns the reason */
export function suspend(at: i32, reason: i32): i32 {
  resumed = at;
  return reason;
}

export function resumedAt(): i32 {
  return resumed;
}
