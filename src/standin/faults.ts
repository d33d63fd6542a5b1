// Ways in which a stand-in master misbehaves on purpose.

import type { ServerResponse } from 'node:http';

export type Fault =
  /** The answer waits; with `pieceDelayMs` it then comes in ten pieces with that pause between them. */
  | { readonly kind: 'slow'; readonly delayMs: number; readonly pieceDelayMs?: number }
  /** The promised length never comes: the connection ends after the given share (default half) of the body. */
  | { readonly kind: 'truncated'; readonly share?: number }
  /** An error status with a text. */
  | { readonly kind: 'status'; readonly status: number; readonly text?: string }
  /** The connection is reset after the request, or in the middle of the body. */
  | { readonly kind: 'reset'; readonly within?: 'body' }
  /** 200 with a page instead of a document. */
  | { readonly kind: 'not-json' }
  /** 200 with a valid document of another shape. */
  | { readonly kind: 'wrong-shape' }
  /** 200 (or `status`) with this very body, sent as `application/json` unless `headers` say otherwise. */
  | {
      readonly kind: 'body';
      readonly body: string | Uint8Array;
      readonly status?: number;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** The request is read and never answered. */
  | { readonly kind: 'hang' };

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Sends an answer with its exact length, as libprocess does. */
export function send(response: ServerResponse, answer: Answer): void {
  response.writeHead(answer.status, { ...answer.headers, 'Content-Length': answer.body.byteLength });
  response.end(answer.body);
}

/** Sends what the fault makes of the answer that would have been given. */
export async function sendWithFault(
  response: ServerResponse,
  fault: Fault,
  answer: () => Promise<Answer>,
): Promise<void> {
  switch (fault.kind) {
    case 'slow':
      await pause(fault.delayMs);
      if (fault.pieceDelayMs === undefined) send(response, await answer());
      else await sendInPieces(response, await answer(), fault.pieceDelayMs);
      return;
    case 'truncated':
      await sendPart(response, await answer(), fault.share ?? 0.5, () => response.destroy());
      return;
    case 'status':
      send(response, plain(fault.status, fault.text ?? `${fault.status} Stand-in fault.`));
      return;
    case 'reset':
      if (fault.within === undefined) response.socket?.resetAndDestroy();
      else await sendPart(response, await answer(), 0.5, () => response.socket?.resetAndDestroy());
      return;
    case 'not-json':
      send(response, {
        status: 200,
        headers: { 'Content-Type': 'text/html' },
        body: Buffer.from('<html>hello</html>'),
      });
      return;
    case 'wrong-shape':
      send(response, json('{"slaves":"none","frameworks":{"marathon":1},"leader":[]}'));
      return;
    case 'body':
      send(response, {
        status: fault.status ?? 200,
        headers: { 'Content-Type': 'application/json', ...fault.headers },
        body: typeof fault.body === 'string' ? Buffer.from(fault.body) : fault.body,
      });
      return;
    case 'hang':
      return;
    default:
      fault satisfies never;
  }
}

export function json(body: string): Answer {
  return { status: 200, headers: { 'Content-Type': 'application/json' }, body: Buffer.from(body) };
}

export function plain(status: number, body: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers: { ...headers, 'Content-Type': 'text/plain; charset=utf-8' }, body: Buffer.from(body) };
}

async function sendInPieces(response: ServerResponse, answer: Answer, pauseMs: number): Promise<void> {
  response.writeHead(answer.status, { ...answer.headers, 'Content-Length': answer.body.byteLength });
  const size = Math.ceil(answer.body.byteLength / 10);
  for (let start = 0; start < answer.body.byteLength && !response.destroyed; start += size) {
    response.write(answer.body.subarray(start, start + size));
    await pause(pauseMs);
  }
  response.end();
}

async function sendPart(response: ServerResponse, answer: Answer, share: number, then: () => void): Promise<void> {
  response.writeHead(answer.status, { ...answer.headers, 'Content-Length': answer.body.byteLength });
  const part = answer.body.subarray(0, Math.floor(answer.body.byteLength * share));
  await new Promise<void>((resolve) => {
    response.once('close', resolve);
    response.write(part, () => resolve());
  });
  then();
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
