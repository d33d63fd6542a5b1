// Keys about finding and asking the masters.

import { type KeyTable, MAX_TIMER_SECONDS } from '../key.ts';

export const MASTERS_KEYS = {
  zk: {
    type: 'string',
    default: '',
    secret: true,
    doc: 'Where ZooKeeper keeps the masters: `zk://host:port,host:port/path`. The port defaults to 2181, IPv6 addresses stand in brackets, `user:password@` may precede the hosts. `file:///path` reads the URL from a file. `zk`, `masters` or both must be given.',
  },
  masters: {
    type: 'list',
    default: [],
    doc: 'The masters, each as `host:port`; asked where `zk` is not given or does not answer. Host names are resolved at start, preferring IPv4.',
  },
  zkDetectionTimeout: {
    type: 'integer',
    default: 30,
    min: 0,
    max: MAX_TIMER_SECONDS,
    unit: 'seconds',
    doc: 'Only if written here and above 0: the process ends after that long without a leading master. Otherwise it keeps serving what it knows.',
  },
  refreshSeconds: {
    type: 'integer',
    default: 60,
    min: 1,
    max: MAX_TIMER_SECONDS,
    unit: 'seconds',
    doc: "How often the master's state is read. Changes of the leader are followed at once.",
  },
  stateTimeoutSeconds: {
    type: 'integer',
    default: 300,
    min: 1,
    max: MAX_TIMER_SECONDS,
    unit: 'seconds',
    doc: 'How long one request for the state may take.',
  },
  follow: {
    type: 'string',
    default: 'auto',
    oneOf: ['auto', 'stream', 'poll'],
    doc: "How changes of the cluster are heard of: over the leading master's event stream (`stream`), by reading its state every `refreshSeconds` (`poll`), or over the stream with polling where there is none (`auto`).",
  },
  mesosAuthentication: {
    type: 'string',
    default: '',
    oneOf: ['', 'basic', 'iam'],
    doc: 'How to authenticate to the masters: not at all, with `mesosCredentials`, or with `iamConfigFile`.',
  },
  mesosCredentials: {
    type: 'credentials',
    default: { principal: '', secret: '' },
    doc: '`{"principal": "…", "secret": "…"}` for `"mesosAuthentication": "basic"`.',
  },
  mesosSecretFrom: {
    type: 'string',
    default: '',
    doc: 'Where the secret of `mesosCredentials` stands, instead of in this file: the path of a file, `env:NAME` for a variable of the environment, or `credential:NAME` for a credential of systemd (`LoadCredential=`).',
  },
  iamConfigFile: {
    type: 'string',
    default: '',
    doc: 'A JSON file with `uid`, `private_key` and `login_endpoint` for `"mesosAuthentication": "iam"`; like all files of secrets and certificates also `credential:NAME`.',
  },
  mesosHTTPSOn: {
    type: 'boolean',
    default: false,
    doc: 'Ask the masters over HTTPS. Without `caCertFile` any certificate is accepted, with a warning.',
  },
  caCertFile: {
    type: 'string',
    default: '',
    doc: 'PEM file with the certificate authorities that sign the certificates of the masters and the identity service; others are refused. `/etc/ssl/certs/ca-certificates.crt` stands for the public ones.',
  },
  certFile: {
    type: 'string',
    default: '',
    doc: 'PEM file with the client certificate to show to the masters; needs `keyFile`.',
  },
  keyFile: {
    type: 'string',
    default: '',
    doc: 'PEM file with the private key of `certFile`.',
  },
} as const satisfies KeyTable;
