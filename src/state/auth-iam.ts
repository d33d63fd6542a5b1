// Tokens of DC/OS's identity service: a short-lived token signed with the service account's private key buys one that the
// masters accept, which is kept until it is about to expire or a master refuses it.

import { createPrivateKey, sign } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Metrics } from '../observability/metrics.ts';
import type { Authentication } from './auth.ts';

/** Posts a JSON document and returns the one that answers it. Rejects, in words for a log line, unless the status is 200. */
export type PostJson = (url: string, body: unknown) => Promise<unknown>;

export interface IamLoginOptions {
  /** The service account: `{uid, private_key, login_endpoint}`. Read before every login, so that it may be replaced. */
  readonly file: string;
  readonly post: PostJson;
  readonly metrics?: Pick<Metrics, 'logins'> | undefined;
  /** Unix time, milliseconds. */
  readonly now?: () => number;
}

/** As long as the original asks for; the identity service accepts it for a login only. */
const LOGIN_TOKEN_SECONDS = 3600;
/** A token is replaced so long before it expires, or after nine tenths of its life, if it is shorter. */
const MARGIN_SECONDS = 60;
/** For tokens that do not say when they expire: a refusal shows it. */
const UNKNOWN_LIFE_SECONDS = 3600;

interface Token {
  readonly text: string;
  /** Unix time from which on a new one is asked for, milliseconds. */
  readonly renewAtMs: number;
}

interface Account {
  readonly uid: string;
  readonly privateKey: string;
  readonly loginEndpoint: string;
}

export class IamLogin implements Authentication {
  readonly #options: IamLoginOptions;
  readonly #now: () => number;
  #token: Token | null = null;

  constructor(options: IamLoginOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  async headers(): Promise<Readonly<Record<string, string>>> {
    if (this.#token === null || this.#now() >= this.#token.renewAtMs) this.#token = await this.#login();
    return { authorization: `token=${this.#token.text}` };
  }

  async refused(): Promise<boolean> {
    this.#token = null;
    return true;
  }

  async #login(): Promise<Token> {
    const { file, post, metrics } = this.#options;
    try {
      const { uid, privateKey, loginEndpoint } = await readAccount(file);
      const nowSeconds = Math.floor(this.#now() / 1000);
      const token = signedToken({ uid, exp: nowSeconds + LOGIN_TOKEN_SECONDS }, privateKey);
      const answer = await post(loginEndpoint, { uid, token });
      const text = memberOf(answer, 'token');
      // A header cannot carry anything else, and whatever cannot be one must not show up in an error about it.
      if (!/^[!-~]+$/.test(text)) throw new Error('its answer holds no token');
      metrics?.logins.inc({ outcome: 'ok' });
      return { text, renewAtMs: renewalOf(text, nowSeconds) * 1000 };
    } catch (error) {
      metrics?.logins.inc({ outcome: 'failed' });
      const reason = error instanceof Error ? error.message : 'an unknown error';
      throw new Error(`no token of the identity service: ${reason}`, { cause: error });
    }
  }
}

/** A JSON Web Token (RFC 7519), signed with RS256 (RFC 7518, section 3.3). */
export function signedToken(claims: object, privateKey: string): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const content = `${encode({ alg: 'RS256', typ: 'JWT' })}.${encode(claims)}`;
  const signature = sign('RSA-SHA256', Buffer.from(content), createPrivateKey(privateKey));
  return `${content}.${signature.toString('base64url')}`;
}

/** Members match without regard to case, as when the configuration was checked. */
async function readAccount(file: string): Promise<Account> {
  let document: unknown;
  try {
    document = JSON.parse((await readFile(file, 'utf8')).replace(/^\ufeff/, ''));
  } catch {
    // What is wrong with JSON is said with a piece of it, and this is secret.
    throw new Error('the file iamConfigFile cannot be read or is not JSON');
  }
  return {
    uid: memberOf(document, 'uid'),
    privateKey: memberOf(document, 'private_key'),
    loginEndpoint: memberOf(document, 'login_endpoint'),
  };
}

/** '' where there is no such text. */
function memberOf(document: unknown, name: string): string {
  if (typeof document !== 'object' || document === null) return '';
  const found = Object.entries(document).find(([key]) => key.toLowerCase() === name);
  return typeof found?.[1] === 'string' ? found[1] : '';
}

/** Unix time in seconds, from the claim `exp` of a token that is a JWT. */
function renewalOf(token: string, nowSeconds: number): number {
  const life = expiryOf(token, nowSeconds + UNKNOWN_LIFE_SECONDS) - nowSeconds;
  return nowSeconds + Math.max(life - MARGIN_SECONDS, life * 0.9);
}

function expiryOf(token: string, fallback: number): number {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    const exp = typeof claims === 'object' && claims !== null && 'exp' in claims ? claims.exp : undefined;
    return typeof exp === 'number' && Number.isFinite(exp) ? exp : fallback;
  } catch {
    return fallback;
  }
}
