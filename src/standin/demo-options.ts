// The command line of the demonstration that `npm start` runs.

export interface DemoOptions {
  readonly help: boolean;
  readonly dnsPort: number;
  readonly httpPort: number;
  /** Seconds between two changes of the cluster. */
  readonly everySeconds: number;
  /** The program to start, a JavaScript file; null: this package's own. */
  readonly program: string | null;
}

export const DEMO_USAGE = `Runs mesos-dns on an embedded stand-in cluster on 127.0.0.1, which changes as it goes.

  --port N        DNS port (default 8053, or MESOS_DNS_DEMO_DNS_PORT)
  --http-port N   HTTP port (default 8123, or MESOS_DNS_DEMO_HTTP_PORT)
  --every N       seconds between two changes of the cluster (default 10)
  --program FILE  another JavaScript file to start instead of mesos-dns, with -config=FILE
  --help          this text

With npm: npm start -- --port 5353`;

/** @throws Error with one line that names the flag or variable, its value and what was expected. */
export function parseDemoOptions(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): DemoOptions {
  const values = new Map<string, string>();
  let help = false;
  for (let at = 0; at < args.length; at += 1) {
    const [flag = '', inline] = (args[at] ?? '').replace(/^--?/, '--').split('=', 2);
    if (flag === '--help' || flag === '--h') {
      help = true;
      continue;
    }
    if (!['--port', '--http-port', '--every', '--program'].includes(flag)) {
      throw new Error(`unknown argument ${args[at]}; --help lists them`);
    }
    const value = inline ?? args[++at];
    if (value === undefined) throw new Error(`${flag} needs a value; --help explains it`);
    values.set(flag, value);
  }
  const from = (flag: string, variable: string, otherwise: number): number => {
    const given = values.get(flag);
    if (given !== undefined) return number(flag, given, 65535);
    const inherited = environment[variable];
    return inherited === undefined || inherited === '' ? otherwise : number(variable, inherited, 65535);
  };
  return {
    help,
    dnsPort: from('--port', 'MESOS_DNS_DEMO_DNS_PORT', 8053),
    httpPort: from('--http-port', 'MESOS_DNS_DEMO_HTTP_PORT', 8123),
    everySeconds: number('--every', values.get('--every') ?? '10', 86_400),
    program: values.get('--program') ?? null,
  };
}

function number(name: string, text: string, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= most) return value;
  throw new Error(`${name} is ${JSON.stringify(text)}, expected a number from 1 to ${most}`);
}
