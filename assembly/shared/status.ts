// What the core decides about a packet. This file is read by both compilers and imports nothing.
//
//    31            8 7            0
//   +---------------+--------------+
//   |     route     |   verdict    |    route: FORWARD only, see TABLE_ZONES in layout.ts
//   +---------------+--------------+
//
// Of a query to be forwarded, the options that the OPT record of its answer must carry (RFC 6891 section 6.1.2), a cookie
// for instance, stand behind its last record; the descriptor's length includes them.

export const VERDICT_DROP = 0; // say nothing
export const VERDICT_ANSWERED = 1; // the descriptor's length is that of the answer, which stands in the slot
export const VERDICT_FORWARD = 2; // a foreign name; the query stands in the slot as it came, up to its last record
export const VERDICT_BEGUN = 3; // the core is at it: after a trap, the packet that it trapped on

export const VERDICT_MASK = 0xff;
export const ROUTE_SHIFT = 8;
