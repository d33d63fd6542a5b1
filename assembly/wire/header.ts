// The header of a message (RFC 1035 section 4.1.1).
//
//     0  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15
//   +--+--+--+--+--+--+--+--+--+--+--+--+--+--+--+--+
//   |                      ID                       |  +0
//   |QR|   Opcode  |AA|TC|RD|RA| Z|AD|CD|   RCODE   |  +2
//   |                    QDCOUNT                    |  +4
//   |                    ANCOUNT                    |  +6
//   |                    NSCOUNT                    |  +8
//   |                    ARCOUNT                    |  +10
//   +--+--+--+--+--+--+--+--+--+--+--+--+--+--+--+--+

import { load16, store16 } from './bytes';

export function flagsOf(message: usize): u32 {
  return load16(message + 2);
}

export function opcodeOf(message: usize): u32 {
  return (flagsOf(message) >> 11) & 15;
}

export function setFlags(message: usize, flags: u32): void {
  store16(message + 2, flags);
}

export function questionCount(message: usize): u32 {
  return load16(message + 4);
}

export function answerCount(message: usize): u32 {
  return load16(message + 6);
}

export function authorityCount(message: usize): u32 {
  return load16(message + 8);
}

export function additionalCount(message: usize): u32 {
  return load16(message + 10);
}

export function setCounts(message: usize, questions: u32, answers: u32, authority: u32, additional: u32): void {
  store16(message + 4, questions);
  store16(message + 6, answers);
  store16(message + 8, authority);
  store16(message + 10, additional);
}
