// DNS cookies (RFC 7873) in the form that servers of different makers share (RFC 9018).
//
//   COOKIE option: | client cookie (8) | version 1 | reserved (3) | timestamp (4) | hash (8) |

import {
  CONTROL_SECRET_COUNT,
  CONTROL_SECRET_MAKER,
  CONTROL_SECRETS,
  COOKIE_ADDRESS,
  COOKIE_CLIENT,
  COOKIE_HASH,
  COOKIE_MALFORMED,
  COOKIE_NONE,
  COOKIE_STAMP,
  COOKIE_STATE,
  COOKIE_VALID,
  COOKIE_WITH_SERVER,
  DESCRIPTOR_ADDRESS,
  DESCRIPTOR_FAMILY,
  SECRET_SIZE,
  SECRETS_MAX,
  WORKER_CLOCK,
} from '../shared/layout';
import { load32, store32 } from '../wire/bytes';
import { sipHash } from './siphash';

/** Accepted so long after it was made, and so long before, where clocks differ; seconds (RFC 9018 section 4.3). */
const MAX_AGE: i32 = 3600;
const MAX_LEAD: i32 = 300;
/** A cookie older than this is replaced though it is still accepted. */
const RENEWAL_AGE: i32 = 1800;
const VERSION: u64 = 1;

/** Judges the server cookie that came, and makes the one of the answer: the same while it is young. */
export function settleCookie(worker: usize, descriptor: usize): void {
  store<u32>(worker + COOKIE_VALID, 0);
  const state = load<u32>(worker + COOKIE_STATE);
  if (state == COOKIE_NONE || state == COOKIE_MALFORMED) return;
  const size: u32 = load<u32>(descriptor + DESCRIPTOR_FAMILY) == 1 ? 20 : 32;
  store<u64>(worker + COOKIE_ADDRESS, load<u64>(descriptor + DESCRIPTOR_ADDRESS));
  store<u64>(worker + COOKIE_ADDRESS + 8, load<u64>(descriptor + DESCRIPTOR_ADDRESS + 8));

  const maker = min<u32>(load<u32>(CONTROL_SECRET_MAKER), SECRETS_MAX - 1);
  const now = load<u32>(worker + WORKER_CLOCK);
  if (state == COOKIE_WITH_SERVER && load<u8>(worker + COOKIE_STAMP) == VERSION) {
    const age = <i32>(now - load32(worker + COOKIE_STAMP + 4)); // serial numbers, RFC 1982
    if (age <= MAX_AGE && age >= -MAX_LEAD) {
      const secret = secretOf(worker, size, maker);
      if (secret != NO_SECRET) {
        store<u32>(worker + COOKIE_VALID, 1);
        if (age <= RENEWAL_AGE && secret == maker) return;
      }
    }
  }
  store<u64>(worker + COOKIE_STAMP, VERSION);
  store32(worker + COOKIE_STAMP + 4, now);
  store<u64>(worker + COOKIE_HASH, hashWith(worker, size, maker));
}

const NO_SECRET: u32 = 0xffffffff;

/** Index of the secret that the cookie was made with, the present maker's tried first; or NO_SECRET. */
function secretOf(worker: usize, size: u32, maker: u32): u32 {
  const hash = load<u64>(worker + COOKIE_HASH);
  if (hashWith(worker, size, maker) == hash) return maker;
  const count = min<u32>(load<u32>(CONTROL_SECRET_COUNT), SECRETS_MAX);
  for (let i: u32 = 0; i < count; i++) {
    if (i != maker && hashWith(worker, size, i) == hash) return i;
  }
  return NO_SECRET;
}

function hashWith(worker: usize, size: u32, secret: u32): u64 {
  return sipHash(CONTROL_SECRETS + secret * SECRET_SIZE, worker + COOKIE_CLIENT, size);
}
