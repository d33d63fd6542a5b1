import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decode, encode } from 'dns-packet';
import fc from 'fast-check';
import { foldCase, fqdn, isWithin, UNWRITABLE, wireSize, writeName } from '../../src/dns/name.ts';

/** A name as dns-packet writes it into a question: behind the header, in front of type and class. */
function written(name: string): Buffer {
  const bytes = encode({ type: 'query', id: 0, questions: [{ type: 'A', name }] });
  return Buffer.from(bytes.subarray(12, bytes.length - 4));
}

function ours(name: string): Buffer {
  const bytes = Buffer.alloc(400, 0xee);
  const end = writeName(bytes, 3, name);
  assert.ok(bytes.subarray(end).every((octet) => octet === 0xee));
  return bytes.subarray(3, end);
}

const unit = fc.oneof(
  fc.constantFrom(...'abzAZ09-_ *@:/\\"\0\x7f'),
  fc.constantFrom('é', 'ß', '€', '\ufffd', '😀', '\ud83d', '\ude00', 'İ'),
);
const label = fc.array(unit, { minLength: 1, maxLength: 24 }).map((units) => units.join(''));
const name = fc
  .tuple(fc.array(label, { minLength: 1, maxLength: 10 }), fc.constantFrom('', '.'))
  .map(([labels, dot]) => labels.join('.') + dot);

describe('wireSize and writeName', () => {
  it('agree with dns-packet about every name that fits', () => {
    fc.assert(
      fc.property(name, (text) => {
        const size = wireSize(text);
        const labels = text.replace(/\.$/, '').split('.');
        const octets = labels.map((part) => Buffer.byteLength(part));
        const whole = octets.reduce((sum, count) => sum + count + 1, 1);
        if (octets.some((count) => count > 63) || whole > 255) {
          assert.equal(size, UNWRITABLE);
          return;
        }
        assert.equal(size, whole);
        assert.deepEqual(ours(text), written(text));
      }),
      { numRuns: 500 },
    );
  });

  it('write half a surrogate pair as U+FFFD, whichever half and wherever', () => {
    for (const text of ['\ud83d', '\ude00', 'a\ud83d.b', '\ude00\ud83d.é', '\ud83d\ud83d\ude00']) {
      assert.equal(wireSize(text), ours(text).length);
      assert.equal(ours(text).subarray(1).toString().includes('\ufffd'), true);
    }
  });

  const longest = 'a'.repeat(63);
  const sizes: readonly (readonly [string, string, number])[] = [
    ['the root', '.', 1],
    ['an ordinary name', 'web.mesos.', 11],
    ['a name without final dot', 'web.mesos', 11],
    ['any octets', 'My App._x.mesos.', 17],
    ['a label of 63 octets', `${longest}.`, 65],
    ['a label of 64 octets', `a${longest}.`, UNWRITABLE],
    ['a label of 63 characters but more octets', `${'é'.repeat(32)}.`, UNWRITABLE],
    ['255 octets', `${`${longest}.`.repeat(3)}${'a'.repeat(61)}.`, 255],
    ['256 octets', `${`${longest}.`.repeat(3)}${'a'.repeat(62)}.`, UNWRITABLE],
    ['few characters but more than 255 octets', `${'€'.repeat(21)}.`.repeat(4), UNWRITABLE],
    ['nothing', '', UNWRITABLE],
    ['an empty label', 'web..mesos.', UNWRITABLE],
    ['an empty first label', '.mesos.', UNWRITABLE],
    ['two final dots', 'web..', UNWRITABLE],
  ];
  for (const [what, text, size] of sizes) {
    it(`${size === UNWRITABLE ? 'refuse' : 'write'} ${what}`, () => {
      assert.equal(wireSize(text), size);
      if (size !== UNWRITABLE) assert.equal(ours(text).length, size);
    });
  }

  it('are read back by dns-packet', () => {
    const bytes = encode({ type: 'query', id: 0, questions: [{ type: 'A', name: 'x' }] });
    const packet = Buffer.concat([bytes.subarray(0, 12), ours('Grüße.my app.mesos.'), Buffer.from([0, 1, 0, 1])]);
    assert.equal(decode(packet).questions?.[0]?.name, 'Grüße.my app.mesos');
  });
});

describe('foldCase', () => {
  it('lowers ASCII letters and nothing else', () => {
    assert.equal(foldCase('WEB.Mesos.'), 'web.mesos.');
    assert.equal(foldCase('GRÜSSE.İ.\u212a.'), 'grÜsse.İ.\u212a.');
    fc.assert(fc.property(name, (text) => assert.equal(wireSize(foldCase(text)), wireSize(text))));
  });
});

describe('isWithin', () => {
  it('goes by whole labels', () => {
    assert.ok(isWithin('mesos.', 'mesos.'));
    assert.ok(isWithin('a.mesos.', 'mesos.'));
    assert.ok(!isWithin('notmesos.', 'mesos.'));
    assert.ok(!isWithin('mesos.example.', 'mesos.'));
    assert.equal(fqdn('a'), fqdn('a.'));
  });
});
