// HTTP authentication of a stand-in master: one realm for reading documents, one for the operator API.

export interface AuthOptions {
  /** Ask for credentials on `/state` and its like (`--authenticate_http_readonly`). */
  readonly readonly: boolean;
  /** Ask for credentials on `/api/v1` (`--authenticate_http_readwrite`). */
  readonly readwrite: boolean;
  /** Principal to secret, for Basic. */
  readonly credentials?: Readonly<Record<string, string>>;
  /** Values accepted in `Authorization: token=…`, as with an identity provider; asked anew for every request. */
  readonly tokens?: (token: string) => boolean;
  /** Principals whose ACL hides frameworks, tasks and flags: they get 200 and empty lists. */
  readonly restricted?: readonly string[];
}

export type Realm = 'mesos-master-readonly' | 'mesos-master-readwrite';

export type Admission =
  | { readonly kind: 'refused' }
  | { readonly kind: 'admitted'; readonly principal: string | null; readonly restricted: boolean };

/** The scheme's name is compared with its case, as Mesos's own authenticator does. */
export function admit(options: AuthOptions | null, realm: Realm, authorization: string | undefined): Admission {
  const asked = realm === 'mesos-master-readonly' ? options?.readonly : options?.readwrite;
  if (options === null || asked !== true) return { kind: 'admitted', principal: null, restricted: false };
  if (authorization?.startsWith('token=') === true && options.tokens?.(authorization.slice(6)) === true) {
    return { kind: 'admitted', principal: null, restricted: false };
  }
  if (authorization?.startsWith('Basic ') !== true) return { kind: 'refused' };
  const pair = Buffer.from(authorization.slice(6), 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  const principal = pair.slice(0, colon);
  const known = Object.entries(options.credentials ?? {});
  const right = colon > 0 && known.some(([name, secret]) => name === principal && secret === pair.slice(colon + 1));
  if (!right) return { kind: 'refused' };
  return { kind: 'admitted', principal, restricted: options.restricted?.includes(principal) ?? false };
}
