// The OpenAPI description of all paths.

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly description: string;
  /** Default: a string. */
  readonly schema?: object;
}

interface Described {
  readonly path: string;
  readonly summary: string;
  readonly parameters?: readonly Parameter[];
  /** Default: JSON. */
  readonly type?: string;
  /** Beside 200. */
  readonly statuses?: readonly number[];
  /** Default: get. */
  readonly method?: 'post' | 'delete';
}

const STATUS_TEXTS: Readonly<Record<number, string>> = {
  304: 'Nothing has changed since the tag in If-None-Match.',
  400: 'The parameters are not usable.',
  403: 'Only this machine may ask for this, and no browser.',
  404: 'There is no such name, or enumerationOn is false.',
  501: 'Never implemented, as in Mesos-DNS.',
  503: 'Not ready: no state of the cluster has been loaded yet, or the server stops.',
};

const TEXT = { type: 'string' };
const name = (description: string): Parameter => ({ name: 'name', in: 'path', description });
const query = (parameter: string, description: string, schema: object = TEXT): Parameter => ({
  ...{ name: parameter, in: 'query', description, schema },
});

const PATHS: readonly Described[] = [
  { path: '/', summary: 'A page to search names and see the health of the cluster.', type: 'text/html' },
  { path: '/page.js', summary: 'The script of the page.', type: 'text/javascript' },
  { path: '/page.css', summary: 'The style of the page.', type: 'text/css' },
  { path: '/health', summary: '200 and OK while the process serves.', type: 'text/plain' },
  {
    path: '/ready',
    summary:
      '200 where the server is ready to be asked, else 503 with the reasons; and what is held back from the zone.',
    statuses: [503],
  },
  { path: '/metrics', summary: 'The metrics, for Prometheus.', type: 'text/plain' },
  { path: '/v1/version', summary: 'The version.' },
  { path: '/v1/config', summary: 'The configuration in force, secrets masked.' },
  {
    path: '/v1/hosts/{host}',
    summary: 'The addresses of a name.',
    parameters: [{ ...name('A domain name.'), name: 'host' }],
    statuses: [503],
  },
  {
    path: '/v1/hosts/{host}/ports',
    summary: 'Never implemented.',
    parameters: [{ ...name('A domain name.'), name: 'host' }],
    statuses: [501],
  },
  {
    path: '/v1/services/{service}',
    summary: 'The SRV records of a name, with addresses.',
    parameters: [{ ...name('A name of SRV records.'), name: 'service' }],
    statuses: [503],
  },
  { path: '/v1/enumerate', summary: 'The running tasks with their records.', statuses: [404, 503] },
  { path: '/v1/axfr', summary: 'All records.', statuses: [404, 503] },
  { path: '/v2/status', summary: 'The health of the server, the cluster and the upstream resolvers.' },
  {
    path: '/v2/records',
    summary: 'Names by a part of them, page by page.',
    parameters: [
      query('search', 'A part of the names; without it, all names.'),
      query('limit', 'How many names a page has.', { type: 'integer', minimum: 1, maximum: 1000, default: 50 }),
      query('cursor', 'Where to go on: the member "next" of the page before.'),
    ],
    statuses: [304, 400, 404, 503],
  },
  {
    path: '/v2/records/{name}',
    summary: 'The records of one name.',
    parameters: [name('A domain name.')],
    statuses: [304, 404, 503],
  },
  {
    path: '/v2/services/{name}',
    summary: 'The instances behind SRV records: ports with names, protocol, addresses, task, framework and agent.',
    parameters: [name('A name of SRV records.')],
    statuses: [304, 404, 503],
  },
  {
    path: '/v2/http_sd',
    summary: 'Targets for http_sd_configs of Prometheus.',
    parameters: [
      query('service', 'A name of SRV records; may stand several times.', {
        type: 'array',
        items: TEXT,
        maxItems: 100,
      }),
    ],
    statuses: [304, 400, 503],
  },
  {
    path: '/v2/explain',
    summary:
      'Which framework, agent, status and source of addresses made the records of a name or task, or why it has none.',
    parameters: [
      query('name', 'A domain name.'),
      query('task', 'The id or the name of tasks, instead of a domain name.'),
    ],
    statuses: [400, 404, 503],
  },
  {
    path: '/v2/events',
    summary: 'Changes of the zone as server-sent events: "zone" with the serial and the names that changed.',
    type: 'text/event-stream',
    statuses: [503],
  },
  {
    path: '/v2/release',
    method: 'post',
    summary: 'Publishes the update of the zone that is held back, or lets the next one pass, whatever it removes.',
    statuses: [403],
  },
  {
    path: '/v1/cache',
    method: 'delete',
    summary: 'Forgets the answers of other servers: about a name and those below it, or all.',
    parameters: [query('name', 'A domain name.')],
    statuses: [400, 403, 503],
  },
  { path: '/v2/openapi.json', summary: 'This document.' },
];

export function openApiDocument(version: string) {
  return {
    openapi: '3.0.3',
    info: { title: 'mesos-dns', version, license: { name: 'Apache-2.0' } },
    paths: Object.fromEntries(
      PATHS.map((described) => [described.path, { [described.method ?? 'get']: operation(described) }]),
    ),
  };
}

function operation({ summary, parameters = [], type = 'application/json', statuses = [] }: Described) {
  const isImplemented = !statuses.includes(501);
  return {
    summary,
    parameters: parameters.map((each) => ({ schema: TEXT, ...each, required: each.in === 'path' })),
    responses: {
      ...(isImplemented ? { 200: { description: 'As the summary says.', content: { [type]: {} } } } : {}),
      ...Object.fromEntries(statuses.map((status) => [status, { description: STATUS_TEXTS[status] ?? '' }])),
    },
  };
}
