import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createForwardRing, ForwardRing } from '../../src/sockets/forward-ring.ts';
import { PEER_SIZE } from '../../src/sockets/packet-batch.ts';

const ALL = Number.MAX_SAFE_INTEGER;
const peerOf = (number: number) => new Uint8Array(PEER_SIZE).fill(number & 255);
const messageOf = (number: number) => new Uint8Array(20 + (number % 600)).fill(number & 255);

/** Both ends over one memory, as two threads have them. */
function pair(): { writer: ForwardRing; reader: ForwardRing } {
  const buffer = createForwardRing();
  return { writer: new ForwardRing(buffer), reader: new ForwardRing(buffer) };
}

describe('ForwardRing', () => {
  it('hands queries over in order, whatever their sizes and however often it goes round', () => {
    const { writer, reader } = pair();
    let next = 0;
    for (let n = 0; n < 20_000; n += 1) {
      const at = writer.write(writer.written, n % 8, n % 1000, peerOf(n), messageOf(n));
      assert.notEqual(at, -1);
      writer.publish(at);
      if (n % 97 !== 0) continue;
      reader.read((socket, route, peer, message) => {
        assert.deepEqual([socket, route], [next % 8, next % 1000]);
        assert.deepEqual(new Uint8Array(peer), peerOf(next));
        assert.deepEqual(new Uint8Array(message), messageOf(next));
        next += 1;
      }, ALL);
      assert.equal(next, n + 1);
    }
  });

  it('shows nothing before it is published', () => {
    const { writer, reader } = pair();
    writer.write(writer.written, 0, 0, peerOf(1), messageOf(1));
    assert.equal(
      reader.read(() => assert.fail('nothing is there'), ALL),
      0,
    );
  });

  it('refuses what it has no room for, and takes more when it was read', () => {
    const { writer, reader } = pair();
    let count = 0;
    let at = writer.written;
    for (;;) {
      const next = writer.write(at, 0, 0, peerOf(count), messageOf(10));
      if (next === -1) break;
      at = next;
      count += 1;
    }
    assert.ok(count > 3000);
    writer.publish(at);
    assert.equal(
      reader.read(() => {}, ALL),
      count,
    );
    assert.notEqual(writer.write(at, 0, 0, peerOf(0), messageOf(10)), -1);
  });

  it('asks for one wake-up until the reader rests', () => {
    const { writer, reader } = pair();
    const write = () => writer.publish(writer.write(writer.written, 0, 0, peerOf(0), messageOf(0)));
    assert.deepEqual([write(), write()], [true, false]);
    reader.read(() => {}, ALL);
    assert.equal(write(), false);
    reader.read(() => {}, ALL);
    assert.equal(reader.rest(), true);
    assert.deepEqual([write(), write()], [true, false]);
  });

  it('tells a reader that rests of what was published before', () => {
    const { writer, reader } = pair();
    const write = () => writer.publish(writer.write(writer.written, 0, 0, peerOf(0), messageOf(0)));
    write();
    assert.equal(reader.rest(), false);
  });

  it('is read by helpings', () => {
    const { writer, reader } = pair();
    for (let n = 0; n < 5; n += 1) writer.publish(writer.write(writer.written, 0, n, peerOf(n), messageOf(n)));
    const routes: number[] = [];
    const take = (_socket: number, route: number) => routes.push(route);
    assert.deepEqual([reader.read(take, 3), reader.read(take, 3), reader.read(take, 3)], [3, 2, 0]);
    assert.deepEqual(routes, [0, 1, 2, 3, 4]);
  });
});
