// A stand-in for DC/OS's identity service over HTTPS: checks the login token as the real one does, and gives out tokens.

import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { createServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface IdentityService {
  readonly loginEndpoint: string;
  /** Tokens given out so far, oldest first. */
  readonly tokens: readonly string[];
  /** Why logins were refused. */
  readonly refusals: readonly string[];
  /** For the tokens to come. */
  lifeSeconds: number;
  /** What a master asks: whether a token was given out and has neither expired nor been withdrawn. */
  accepts(token: string): boolean;
  withdraw(token: string): void;
  close(): Promise<void>;
}

/** @param account the user and the public half of its key */
export async function startIdentityService(
  tls: ServerOptions,
  account: { readonly uid: string; readonly publicKey: string },
): Promise<IdentityService> {
  const tokens: string[] = [];
  const refusals: string[] = [];
  const withdrawn = new Set<string>();
  const key = createPublicKey(account.publicKey);
  const server = createServer(tls, (request, response) => {
    void text(request).then((body) => {
      const refusal = reasonToRefuse(request.method ?? '', body, account.uid, key);
      if (refusal === null) {
        const token = newToken(account.uid, service.lifeSeconds, tokens.length);
        tokens.push(token);
        response.setHeader('Content-Type', 'application/json').end(JSON.stringify({ token }));
      } else {
        refusals.push(refusal);
        // As careless as a service can be: it repeats what it was sent.
        response.writeHead(401).end(JSON.stringify({ description: refusal, body }));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const service: IdentityService = {
    loginEndpoint: `https://127.0.0.1:${port}/acs/api/v1/auth/login`,
    tokens,
    refusals,
    lifeSeconds: 600,
    accepts: (token) => tokens.includes(token) && !withdrawn.has(token) && claimsOf(token).exp * 1000 > Date.now(),
    withdraw: (token) => void withdrawn.add(token),
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  return service;
}

function reasonToRefuse(method: string, body: string, uid: string, key: KeyObject): string | null {
  if (method !== 'POST') return 'not a POST';
  const login = JSON.parse(body) as { uid?: string; token?: string };
  const [header = '', claims = '', signature = ''] = (login.token ?? '').split('.');
  const { alg } = JSON.parse(Buffer.from(header, 'base64url').toString()) as { alg: string };
  if (alg !== 'RS256') return `algorithm ${alg}`;
  const signed = Buffer.from(`${header}.${claims}`);
  if (!verify('RSA-SHA256', signed, key, Buffer.from(signature, 'base64url'))) return 'bad signature';
  const said = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { uid: string; exp: number };
  if (login.uid !== uid || said.uid !== uid) return 'unknown user';
  return said.exp * 1000 > Date.now() ? null : 'expired';
}

function newToken(uid: string, lifeSeconds: number, number: number): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const exp = Date.now() / 1000 + lifeSeconds;
  return `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode({ uid, exp, number })}.c2lnbmF0dXJl`;
}

function claimsOf(token: string): { readonly exp: number } {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { exp: number };
}
