// What the reader of JSON and its host tell each other. This file is read by both compilers and imports nothing.
// The reader has a memory of its own: a window, through which the document passes, rows of what was found in it, and
// memos of texts that come again and again. All fields are u32, little-endian, save where something else is said; an
// address is one of the octets in the window, valid until the window is filled again.

// What a function returns in place of an address behind what it passed over.
export const MORE = -1; // the window ends before that; the same call may be made again when it was filled
export const SYNTAX_ERROR = -2; // what stands at failedAt() makes the octets no JSON
export const CLOSED = -3; // the object or the list ends; resumedAt() is behind it
export const ROWS_FULL = -4; // call again from resumedAt() when the rows were read
export const UNUSUAL = -5; // within the reader alone: not what a row can tell

/** Where in an object or in a list a call begins. */
export const AT_OPENING = 0; // behind the bracket
export const AT_ELEMENT = 1; // in front of an element; lists only
export const AT_SEPARATOR = 2; // behind a member or element

/** What becomes of the elements of a list. */
export const ELEMENTS_LEFT = 0; // rows of where they are
export const ELEMENTS_TASKS = 1; // rows of tasks, of which those that say something unusual are left

// ------------------------------------------------------------------------------------------------ rows
//
// Each begins with
//   +0   kind     ROW_LEFT or ROW_TASK
//   +4   start    address of the element
//   +8   end      and of what is behind it
//   +12  size     octets of the row, a multiple of 8
// A task goes on with (an entry is one of a memo, 0 where there is none, counted from 1)
//   +16  id       addresses: start and end of its text
//   +24  name, agent, state, ports, discovery, container   entries
//   +48  statuses how many of them follow, each
//          +0   timestamp  f64; NaN where the digits are to be read by the host, 0 where there are none
//          +8   digits     addresses: start and end of the timestamp
//          +16  state      entry
//          +20  healthy    HEALTH_UNKNOWN, HEALTHY or UNHEALTHY
//          +24  mapsPorts  1 where a network has port mappings
//          +28  addresses  how many entries follow, in front of padding to a multiple of 8

export const ROW_LEFT = 0;
export const ROW_TASK = 1;

export const ROW_KIND = 0;
export const ROW_START = 4;
export const ROW_END = 8;
export const ROW_SIZE = 12;
export const ROW_HEAD = 16;

export const TASK_ID_START = 16;
export const TASK_ID_END = 20;
export const TASK_NAME = 24;
export const TASK_AGENT = 28;
export const TASK_STATE = 32;
export const TASK_PORTS = 36;
export const TASK_DISCOVERY = 40;
export const TASK_CONTAINER = 44;
export const TASK_STATUSES = 48;
export const TASK_HEAD = 56;

export const STATUS_TIMESTAMP = 0; // f64
export const STATUS_DIGITS_START = 8;
export const STATUS_DIGITS_END = 12;
export const STATUS_STATE = 16;
export const STATUS_HEALTHY = 20;
export const STATUS_MAPS_PORTS = 24;
export const STATUS_ADDRESSES = 28;
export const STATUS_HEAD = 32;

export const HEALTH_UNKNOWN = 0;
export const HEALTHY = 1;
export const UNHEALTHY = 2;

/** Octets of the rows that a call may leave. */
export const ROWS_SIZE = 65_536;

// ------------------------------------------------------------------------------------------------ memos
//
// An entry:
//   +0   hash
//   +4   start    address of the text, which stays
//   +8   length

export const MEMO_NAMES = 0;
export const MEMO_AGENTS = 1;
export const MEMO_STATES = 2;
export const MEMO_PORTS = 3; // texts of port ranges
export const MEMO_DISCOVERIES = 4; // JSON of objects, here and below
export const MEMO_CONTAINERS = 5;
export const MEMO_ADDRESSES = 6;
export const MEMO_COUNT = 7;

export const ENTRY_HASH = 0;
export const ENTRY_START = 4;
export const ENTRY_LENGTH = 8;
export const ENTRY_SIZE = 12;
