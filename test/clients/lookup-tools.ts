// Programs that look names up: how they are called, and how they say what they saw.

import { execFile } from 'node:child_process';
import { type Lookup, NO_SUCH_NAME, type Seen, seen } from './expectations.ts';

export interface Server {
  readonly host: string;
  readonly port: number;
}

export interface Tool {
  readonly name: string;
  lookup(server: Server): Lookup;
}

const TIMEOUT_MS = 60_000;

/** What a program prints on both streams, whatever its exit code says. */
export function outputOf(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, [...args], { timeout: TIMEOUT_MS, killSignal: 'SIGKILL' }, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== 'number') reject(error);
      else resolve(stdout + stderr);
    });
  });
}

function tool(
  name: string,
  args: (server: Server, question: { readonly name: string; readonly type: string }) => readonly string[],
  read: (output: string) => Seen,
): Tool {
  return {
    name,
    lookup: (server) => async (question, type) => read(await outputOf(name, args(server, { name: question, type }))),
  };
}

/** dig, kdig and drill write a message down section by section. */
function readSections(output: string): Seen {
  const [, status] = /(?:status|rcode): (\w+)/.exec(output) ?? [];
  if (status === 'NXDOMAIN') return NO_SUCH_NAME;
  if (status !== 'NOERROR') throw new Error(output);
  const [, answers = ''] = /;; ANSWER SECTION:\n((?:[^;\n].*\n)*)/.exec(output) ?? [];
  return seen(answers.split('\n').flatMap(dataOf));
}

/** The data of a record in the form of a master file. */
function dataOf(line: string): string[] {
  const fields = line.trim().split(/\s+/);
  return fields.length < 5 ? [] : [fields.slice(4).join(' ')];
}

export const dig = tool(
  'dig',
  ({ host, port }, { name, type }) => [`@${host}`, '-p', `${port}`, '+cookie', '+tries=2', '+time=3', name, type],
  readSections,
);

export const kdig = tool(
  'kdig',
  ({ host, port }, { name, type }) => [`@${host}`, '-p', `${port}`, '+cookie', '+retry=2', '+time=3', name, type],
  readSections,
);

/** `-a`: over TCP where an answer is cut. */
export const drill = tool(
  'drill',
  ({ host, port }, { name, type }) => ['-a', '-p', `${port}`, `@${host}`, name, type],
  readSections,
);

/** `-i`: the domain is not signed, and nobody says so above it. */
export const delv = tool(
  'delv',
  ({ host, port }, { name, type }) => ['-i', `@${host}`, '-p', `${port}`, name, type],
  (output) => {
    if (output.includes('ncache nxdomain')) return NO_SUCH_NAME;
    if (output.includes('resolution failed') && !output.includes('ncache nxrrset')) throw new Error(output);
    return seen(output.split('\n').flatMap((line) => (line.startsWith(';') ? [] : dataOf(line))));
  },
);

export const host = tool(
  'host',
  ({ host, port }, { name, type }) => ['-p', `${port}`, '-W', '3', '-t', type, name, host],
  (output) => {
    if (output.includes('(NXDOMAIN)')) return NO_SUCH_NAME;
    const pattern =
      / (?:has address|has IPv6 address|has SRV record|has SOA record|name server|domain name pointer) (.*)$/gm;
    const data = [...output.matchAll(pattern)].map(([, found = '']) => found);
    if (data.length === 0 && !/ has no \w+ record/.test(output)) throw new Error(output);
    return seen(data);
  },
);

export const nslookup = tool(
  'nslookup',
  ({ host, port }, { name, type }) => [`-port=${port}`, `-type=${type}`, name, host],
  (output) => {
    if (output.includes(': NXDOMAIN')) return NO_SUCH_NAME;
    const soa =
      /origin = (\S+)\s+mail addr = (\S+)\s+serial = (\d+)\s+refresh = (\d+)\s+retry = (\d+)\s+expire = (\d+)\s+minimum = (\d+)/.exec(
        output,
      );
    if (soa !== null) {
      const [, mname, rname, ...numbers] = soa;
      return seen([`${mname}. ${rname}. ${numbers.join(' ')}`]);
    }
    const addresses = [...output.matchAll(/^Name:.*\nAddress: (.*)$/gm)].map(([, found = '']) => found);
    const others = [...output.matchAll(/\t(?:service|nameserver|name) = (.*)$/gm)].map(([, found = '']) => found);
    if (addresses.length + others.length === 0 && !output.includes('No answer')) throw new Error(output);
    return seen([...addresses, ...others]);
  },
);
