// One key of the configuration file: its type, its range, and what it means.

interface Documented {
  /** For operators: what it does, in a sentence or two. Markdown, on one line. */
  readonly doc: string;
  /** Older names that still work. Where both stand, the present name wins. */
  readonly aliases?: readonly string[];
}

export interface TextKey extends Documented {
  readonly type: 'string';
  readonly default: string;
  readonly oneOf?: readonly string[];
  /** Its value may hold a password and is never shown. */
  readonly secret?: true;
  /** The longest value, octets in UTF-8. */
  readonly maxBytes?: number;
}

export interface IntegerKey extends Documented {
  readonly type: 'integer';
  readonly default: number;
  /** Both ends are allowed. */
  readonly min: number;
  readonly max: number;
  readonly unit?: 'seconds' | 'bytes' | 'percent';
}

export interface BooleanKey extends Documented {
  readonly type: 'boolean';
  readonly default: boolean;
}

export interface ListKey extends Documented {
  readonly type: 'list';
  readonly default: readonly string[];
  readonly oneOf?: readonly string[];
  /** A single string stands for a list of one. */
  readonly orString?: true;
  /** Its values are never shown. */
  readonly secret?: true;
}

export interface ZonesKey extends Documented {
  readonly type: 'zones';
  readonly default: Readonly<Record<string, readonly string[]>>;
}

export interface CredentialsKey extends Documented {
  readonly type: 'credentials';
  readonly default: { readonly principal: string; readonly secret: string };
}

export type Key = TextKey | IntegerKey | BooleanKey | ListKey | ZonesKey | CredentialsKey;

export type KeyTable = Readonly<Record<string, Key>>;

/** Timers count milliseconds in 31 bits: about 24 days. */
export const MAX_TIMER_SECONDS = 2_147_483;
/** RFC 2181, section 8: a TTL has 31 bits. */
export const MAX_TTL = 2_147_483_647;
export const MAX_UINT32 = 4_294_967_295;

/** What a value must be, in words, as error messages and the reference say it. */
export function expectationOf(key: Key): string {
  switch (key.type) {
    case 'integer':
      return `an integer from ${key.min} to ${key.max}${key.unit === undefined ? '' : ` (${key.unit})`}`;
    case 'boolean':
      return 'true or false';
    case 'string':
      if (key.maxBytes !== undefined) return `a string of at most ${key.maxBytes} bytes`;
      return key.oneOf === undefined ? 'a string' : oneOf(key.oneOf);
    case 'list':
      if (key.oneOf !== undefined) return `a list, each entry ${oneOf(key.oneOf)}`;
      return key.orString ? 'a string or a list of strings' : 'a list of strings';
    case 'zones':
      return 'an object that maps each zone to a list of strings';
    case 'credentials':
      return 'an object with the strings "principal" and "secret"';
  }
}

export function oneOf(words: readonly string[]): string {
  return `one of ${words.map((word) => JSON.stringify(word)).join(', ')}`;
}
