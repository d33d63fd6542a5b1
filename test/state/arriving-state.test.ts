import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { afterEach, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { MesosDnsError } from '../../src/errors.ts';
import { createStateClient, type StateClientOptions } from '../../src/state/client.ts';
import { WellFormedPieces, wellFormedDocument } from '../../src/state/document-text.ts';
import { fetchState, type ParseState } from '../../src/state/fetch-state.ts';
import type { MesosState } from '../../src/state/model.ts';
import { ArrivingState, parseState } from '../../src/state/parse.ts';
import { type FakeMaster, fakeMaster } from './fake-master.ts';

/** Octets between some cuts, each in memory of its own that is overwritten once it was taken. */
function inPieces(bytes: Uint8Array, cuts: readonly number[], take: (piece: Uint8Array) => void): void {
  const ends = cuts.map((cut) => cut % (bytes.length + 1)).sort((one, other) => one - other);
  let from = 0;
  for (const end of [...ends, bytes.length]) {
    const piece = Uint8Array.from(bytes.subarray(from, end));
    take(piece);
    piece.fill(0x7b);
    from = end;
  }
}

/** What comes of a document: the state and its warnings, or why it is refused. */
function outcome(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof MesosDnsError)) throw error;
    return error.message;
  }
}

const task = {
  id: 'wéb.1',
  name: 'wéb',
  slave_id: 'S1',
  state: 'TASK_RUNNING',
  resources: { ports: '[31000-31001]' },
  statuses: [
    {
      state: 'TASK_RUNNING',
      timestamp: 1795916644.998382,
      container_status: { network_infos: [{ ip_addresses: [{ ip_address: '9.0.0.1' }] }] },
    },
  ],
  discovery: { name: 'web', ports: { ports: [{ number: 80, protocol: 'tcp', name: 'http' }] } },
};
const DOCUMENT = JSON.stringify({
  version: '1.11.0',
  leader: 'master@127.0.0.1:5050',
  slaves: [{ id: 'S1', pid: 'slave(1)@10.0.0.1:5051', hostname: 'h' }, 5],
  frameworks: [{ id: 'F', name: 'marathon', tasks: [task, { ...task, id: 'web.2', discovery: 7 }, null] }],
});

const cuts = fc.array(fc.nat(), { maxLength: 12 });

describe('a state that is read while it arrives', () => {
  const arrived = (bytes: Uint8Array, places: readonly number[]) =>
    outcome(() => {
      const arriving = new ArrivingState();
      inPieces(bytes, places, (piece) => arriving.add(piece));
      assert.equal(arriving.sizeBytes, bytes.length);
      return arriving.end();
    });

  it('is the same as from the whole document, whatever pieces it comes in and whatever is wrong with it', () => {
    const octets = fc.oneof(
      fc.constantFrom(...'{}[]",:\\/5nt \n').map((character) => [character.charCodeAt(0)]),
      fc.constantFrom([0xff], [0xc3], [0xe2, 0x82], [0xf0, 0x9f, 0x98, 0x80], [0xef, 0xbb, 0xbf], []),
    );
    fc.assert(
      fc.property(fc.nat(), octets, fc.boolean(), cuts, (anywhere, change, isReplaced, places) => {
        const bytes = Buffer.from(DOCUMENT);
        const at = anywhere % bytes.length;
        const behind = bytes.subarray(isReplaced ? at + 1 : at);
        const changed = Buffer.concat([bytes.subarray(0, at), Buffer.from(change), behind]);
        assert.deepEqual(
          arrived(changed, places),
          outcome(() => parseState(changed)),
        );
      }),
      { numRuns: 2000 },
    );
  });

  it('is refused where the document is cut, and where there is none', () => {
    for (let end = 0; end < DOCUMENT.length; end += 7) {
      const text = Buffer.from(DOCUMENT).subarray(0, end);
      assert.match(String(arrived(text, [end / 2])), end === 0 ? /is empty$/ : /is not JSON: it ends in the middle/);
    }
    assert.match(String(arrived(Buffer.from(' \n\v'), [1, 2])), /is empty$/);
  });

  it('is the same of well-formed characters, and of what is none, wherever they are cut', () => {
    const unit = fc.constantFrom(0x61, 0x80, 0xbf, 0xc3, 0xe2, 0x82, 0xac, 0xed, 0xa0, 0xf0, 0x9f, 0x98, 0xf5, 0xff);
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 20 }), cuts, (list, places) => {
        const bytes = Buffer.from(list);
        const pieces = new WellFormedPieces();
        const parts: Uint8Array[] = [];
        inPieces(bytes, places, (piece) => parts.push(Uint8Array.from(pieces.add(piece))));
        parts.push(pieces.end());
        assert.deepEqual(Buffer.concat(parts), Buffer.from(wellFormedDocument(bytes)));
      }),
      { numRuns: 3000 },
    );
  });
});

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await thing.close();
});

describe('a state that is fetched', () => {
  /** Says of each document how it was read. */
  function recorded(): { readonly parse: ParseState<MesosState>; readonly read: string[] } {
    const read: string[] = [];
    const whole = (document: Uint8Array) => {
      read.push(`whole, ${document.length}`);
      return parseState(document);
    };
    const arriving = () => {
      const state = new ArrivingState();
      const end = () => {
        read.push(`arriving, ${state.sizeBytes}`);
        return state.end();
      };
      return {
        get sizeBytes() {
          return state.sizeBytes;
        },
        add: (piece: Uint8Array) => state.add(piece),
        end,
      };
    };
    return { read, parse: Object.assign(whole, { arriving }) };
  }

  async function fetched(
    answer: Parameters<typeof fakeMaster>[0],
    parse: ParseState<MesosState>,
    options: Partial<StateClientOptions> = {},
  ) {
    const server: FakeMaster = await fakeMaster(answer);
    const client = createStateClient({ config: { mesosHTTPSOn: false, stateTimeoutSeconds: 10 }, ...options });
    open.push(server, client);
    const known = [server.master];
    return await fetchState(client, server.master, { known, signal: new AbortController().signal }, parse);
  }

  const size = Buffer.byteLength(DOCUMENT);

  it('is read while it comes', async () => {
    const { parse, read } = recorded();
    const state = await fetched((_, response) => {
      const bytes = Buffer.from(DOCUMENT);
      response.write(bytes.subarray(0, 100));
      setTimeout(() => response.end(bytes.subarray(100)), 20);
    }, parse);
    assert.equal(state.document.sizeBytes, size);
    assert.deepEqual(await state.read(), parseState(DOCUMENT));
    assert.deepEqual(read, [`arriving, ${size}`]);
  });

  it('is read as a whole where it is packed', async () => {
    const { parse, read } = recorded();
    const packed = gzipSync(DOCUMENT);
    const state = await fetched((_, response) => response.setHeader('Content-Encoding', 'gzip').end(packed), parse);
    assert.equal(state.document.sizeBytes, size);
    assert.deepEqual(await state.read(), parseState(DOCUMENT));
    assert.deepEqual(read, [`whole, ${size}`]);
  });

  it('is not what stands in the answer of a path that is missing', async () => {
    const { parse } = recorded();
    const state = await fetched((request, response) => {
      if (request.url === '/master/state') response.writeHead(404).end('{"leader":');
      else response.end(DOCUMENT);
    }, parse);
    assert.deepEqual(await state.read(), parseState(DOCUMENT));
  });

  it('is no state where the connection ends in the middle, or where it is too large', async () => {
    const { parse, read } = recorded();
    const cut: Parameters<typeof fakeMaster>[0] = (_, response) => {
      response.setHeader('Content-Length', size).write(Buffer.from(DOCUMENT).subarray(0, size - 1));
      setTimeout(() => response.destroy(), 20);
    };
    await assert.rejects(fetched(cut, parse), { code: 'ERR_STATE_FETCH' });
    const whole: Parameters<typeof fakeMaster>[0] = (_, response) => response.end(DOCUMENT);
    await assert.rejects(fetched(whole, parse, { maxBodyBytes: size - 1 }), /larger than \d+ bytes/);
    assert.deepEqual(read, []);
    await (await fetched(whole, parse, { maxBodyBytes: size })).read();
    assert.deepEqual(read, [`arriving, ${size}`]);
  });

  it('is refused where it is empty', async () => {
    const state = await fetched((_, response) => response.end(), recorded().parse);
    await assert.rejects(state.read(), /is empty$/);
  });
});
