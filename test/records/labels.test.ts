import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { agentTail, domainFragment, label, RFC952, RFC1123, taskHash } from '../../src/records/labels.ts';

const CASES = [
  { name: 'lower-cases letters', from: 'Nginx', to: 'nginx' },
  { name: 'makes dashes of dots and underscores', from: 'a.b_c', to: 'a-b-c' },
  { name: 'drops other characters, one code point at a time', from: 'a b/c\u00e9\u{1f600}d', to: 'abcd' },
  { name: 'strips dashes at both ends', from: '--a-b__', to: 'a-b' },
  { name: 'is empty where nothing usable is left', from: '._-/', to: '' },
  { name: 'cuts at 63 characters', from: 'a'.repeat(70), to: 'a'.repeat(63) },
  {
    name: 'skips dashes at the cut and fills up behind them',
    from: `${'a'.repeat(60)}---${'b'.repeat(10)}`,
    to: `${'a'.repeat(60)}bbb`,
  },
  {
    name: 'does not strip what it filled up with',
    from: `${'a'.repeat(62)}--b-`,
    to: `${'a'.repeat(62)}b`,
  },
  { name: 'may end in a dash after filling up', from: `${'a'.repeat(60)}---b-c`, to: `${'a'.repeat(60)}b-c` },
  { name: 'keeps digits at the beginning', from: '1a', to: '1a' },
];

describe('an RFC 1123 label', () => {
  for (const { name, from, to } of CASES) it(name, () => assert.equal(label(from, RFC1123), to));

  it('ends in a dash only if the fill-up ended there', () => {
    assert.equal(label(`${'a'.repeat(60)}---b-${'c'.repeat(9)}`, RFC1123), `${'a'.repeat(60)}b-c`);
    assert.equal(label(`${'a'.repeat(61)}--b-${'c'.repeat(9)}`, RFC1123), `${'a'.repeat(61)}b-`);
  });

  it('is always legal in form: at most 63 of the allowed characters, none of them a leading dash', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (name) => {
        assert.match(label(name, RFC1123), /^([a-z0-9][a-z0-9-]{0,62})?$/);
      }),
    );
  });
});

describe('an RFC 952 label', () => {
  it('has at most 24 characters and starts with a letter', () => {
    assert.equal(label('12-nginx', RFC952), 'nginx');
    assert.equal(label('a'.repeat(30), RFC952), 'a'.repeat(24));
    assert.equal(label('4711', RFC952), '');
  });

  it('is always legal in form', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-ascii', maxLength: 100 }), (name) => {
        assert.match(label(name, RFC952), /^([a-z][a-z0-9-]{0,23})?$/);
      }),
    );
  });
});

describe('a domain fragment', () => {
  it('keeps the dots of a name and drops empty labels', () => {
    assert.equal(domainFragment('kafka.prod', RFC1123), 'kafka.prod');
    assert.equal(domainFragment('.a..b_c.-.', RFC1123), 'a.b-c');
    assert.equal(domainFragment('marathon-0.8.1', RFC1123), 'marathon-0.8.1');
    assert.equal(domainFragment('', RFC1123), '');
  });
});

describe('what tells tasks apart', () => {
  it('hashes the id with SHA-1 and z-base-32', () => {
    assert.equal(taskHash(''), '5eh48');
    assert.equal(taskHash('i'), 'yoshe');
    assert.equal(taskHash('x'), 'n85k5');
  });

  it('takes the lower-cased end of the agent id', () => {
    assert.equal(agentTail('6f0a-58d2-S12'), 's12');
    assert.equal(agentTail('Bare'), 'bare');
    assert.equal(agentTail('ends-'), '');
    assert.equal(agentTail('x-\u0130\u03a3'), 'i\u03c3');
  });
});
