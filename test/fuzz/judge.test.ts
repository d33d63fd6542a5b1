// That the fuzzer's judge finds what it looks for: each case is an answer with one thing wrong.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { query } from '../support/zone.ts';
import { verdictOn } from './judge.ts';

const UDP = { transport: 'udp', udpPayloadSize: 1232 } as const;
const QUERY = query('web.mesos', 'A', { edns: 1232 });
const QUESTION_END = 12 + 11 + 4;

/** An answer without records, changed by `change`. */
function answer(change: Change = same): Uint8Array {
  const message = Buffer.from(QUERY);
  message.writeUInt16BE(0x8500, 2);
  return change(message);
}

type Change = (message: Buffer) => Uint8Array;
const same: Change = (message) => message;
const word =
  (value: number, at: number): Change =>
  (message) => {
    message.writeUInt16BE(value, at);
    return message;
  };
const octet =
  (value: number, at: number): Change =>
  (message) => {
    message[at] = value;
    return message;
  };
const withoutOpt: Change = (message) => word(0, 10)(message).subarray(0, QUESTION_END);
const withBehind =
  (count: number): Change =>
  (message) =>
    Buffer.concat([message, Buffer.alloc(count)]);

const judged = (message: Uint8Array, sent: Uint8Array = QUERY) => verdictOn(sent, { kind: 'answer', message }, UDP);

describe('the judge of the fuzzer', () => {
  it('has nothing to say about an answer as it should be', () => {
    assert.equal(judged(answer()), null);
  });

  const cases: readonly [string, RegExp, Change][] = [
    ['another id', /another id/, word(1, 0)],
    ['no QR bit', /no response/, word(0x0500, 2)],
    ['another opcode', /opcode/, word(0x9500, 2)],
    ['RD lost', /RD/, word(0x8400, 2)],
    ['Z set', /Z or AD/, word(0x8540, 2)],
    ['another spelling of the question', /another question/, octet(0x57, 13)],
    ['a promised record that is not there', /malformed/, word(1, 6)],
    ['octets behind the last record', /behind/, withBehind(1)],
    ['more than is allowed', /are allowed/, withBehind(1232)],
    ['FORMERR', /FORMERR to a well-formed query/, word(0x8101, 2)],
    ['AA with REFUSED', /AA with/, word(0x8505, 2)],
    ['no OPT record', /OPT/, withoutOpt],
    ['EDNS version 1', /version/, octet(1, QUESTION_END + 6)],
    ['DO set', /DO/, octet(0x80, QUESTION_END + 7)],
  ];
  for (const [what, fault, change] of cases) {
    it(`finds ${what}`, () => {
      assert.match(judged(answer(change)) ?? 'nothing', fault);
    });
  }

  it('finds answers to responses, and silence to queries', () => {
    const response = answer();
    assert.match(judged(answer(), response) ?? '', /silence is due/);
    assert.match(verdictOn(QUERY, { kind: 'silence' }, UDP) ?? '', /silence where answer is due/);
    assert.equal(verdictOn(response, { kind: 'silence' }, UDP), null);
    assert.equal(verdictOn(new Uint8Array(11), { kind: 'silence' }, UDP), null);
  });

  it('finds names of the domain that are forwarded', () => {
    assert.match(verdictOn(QUERY, { kind: 'forward', message: QUERY }, UDP) ?? '', /of the domain/);
    const foreign = query('www.example.com', 'A');
    assert.equal(verdictOn(foreign, { kind: 'forward', message: foreign }, UDP), null);
    const other = query('www.example.org', 'A');
    assert.match(verdictOn(foreign, { kind: 'forward', message: other }, UDP) ?? '', /changed/);
  });

  it('finds NOERROR where a message is cut', () => {
    const cut = QUERY.subarray(0, QUERY.length - 1);
    assert.match(judged(answer(withoutOpt), cut) ?? '', /where FORMERR is due: a record that is cut/);
  });
});
