// The command line: flags in Go's style, as units and app definitions written for Mesos-DNS carry them.

import { nearest } from './config/suggest.ts';
import type { Verbosity } from './observability/logger.ts';

export type Command =
  | {
      readonly kind: 'run';
      readonly configFile: string;
      readonly verbosity: Verbosity;
      /** One line each, for the log. */
      readonly warnings: readonly string[];
    }
  | { readonly kind: 'check-config'; readonly configFile: string; readonly warnings: readonly string[] }
  | { readonly kind: 'version' }
  | { readonly kind: 'help' }
  | { readonly kind: 'usage-error'; readonly message: string };

/** What the process returns to who started it. */
export const EXIT_CODES = {
  /** After SIGTERM or SIGINT, --help, --version, and a configuration that --check-config finds usable. */
  ok: 0,
  /** The configuration cannot be used, a socket cannot be bound, or zkDetectionTimeout has passed. */
  failure: 1,
  /** The command line cannot be understood. */
  usage: 2,
} as const;

const DEFAULT_CONFIG_FILE = 'config.json';

type FlagKind =
  /** `-flag`, or `-flag=true`. Never takes the next argument. */
  | 'switch'
  /** `-flag=value` or `-flag value`. */
  | 'value'
  /** `-v`, `-v=2` or `-v 2`: takes the next argument only where that is a number. */
  | 'level';

interface Flag {
  readonly kind: FlagKind;
  /** A glog flag that is accepted so that old units start, and has no effect. */
  readonly ignored?: true;
}

const FLAGS: Readonly<Record<string, Flag>> = {
  config: { kind: 'value' },
  'check-config': { kind: 'switch' },
  version: { kind: 'switch' },
  v: { kind: 'level' },
  vv: { kind: 'switch' },
  help: { kind: 'switch' },
  h: { kind: 'switch' },
  logtostderr: { kind: 'switch', ignored: true },
  alsologtostderr: { kind: 'switch', ignored: true },
  stderrthreshold: { kind: 'value', ignored: true },
  vmodule: { kind: 'value', ignored: true },
  log_dir: { kind: 'value', ignored: true },
  log_backtrace_at: { kind: 'value', ignored: true },
};

interface Given {
  configFile: string;
  verbosity: Verbosity;
  readonly warnings: string[];
  readonly switches: Set<string>;
}

/**
 * @param argv the arguments behind the script: `process.argv.slice(2)`. One dash or two, `=` or a space; the last of a
 * repeated flag counts. --help wins over --version, that over --check-config.
 */
export function parseArguments(argv: readonly string[]): Command {
  const given: Given = { configFile: DEFAULT_CONFIG_FILE, verbosity: 0, warnings: [], switches: new Set() };
  for (let index = 0; index < argv.length; ) {
    const step = readFlag(argv, index, given);
    if (typeof step === 'string') return { kind: 'usage-error', message: `${step}; see --help` };
    index += step;
  }
  const { configFile, verbosity, warnings, switches } = given;
  if (switches.has('help') || switches.has('h')) return { kind: 'help' };
  if (switches.has('version')) return { kind: 'version' };
  if (switches.has('check-config')) return { kind: 'check-config', configFile, warnings };
  return { kind: 'run', configFile, verbosity: switches.has('vv') ? 2 : verbosity, warnings };
}

/** Takes one flag with its value. Returns how many arguments that were, or what is wrong. */
function readFlag(argv: readonly string[], index: number, given: Given): number | string {
  const argument = argv[index] ?? '';
  const parts = /^--?([^-=][^=]*)(?:=(.*))?$/s.exec(argument);
  if (parts === null) return `unexpected argument ${JSON.stringify(argument)}: the file is given as -config=FILE`;
  const [, name = '', inline] = parts;
  const flag = Object.hasOwn(FLAGS, name) ? FLAGS[name] : undefined;
  if (flag === undefined) {
    const meant = nearest(name, Object.keys(FLAGS));
    return `unknown flag -${name}${meant === undefined ? '' : `; did you mean -${meant}?`}`;
  }
  if (flag.ignored) given.warnings.push(`-${name} has no effect: logs go to standard error`);
  switch (flag.kind) {
    case 'switch':
      return setSwitch(name, inline, given) ?? 1;
    case 'level':
      return setLevel(inline, argv[index + 1], given);
    case 'value': {
      const value = inline ?? argv[index + 1] ?? '';
      if (value === '' || (inline === undefined && value.startsWith('-'))) return `-${name} needs a value: -${name}=…`;
      if (name === 'config') given.configFile = value;
      return inline === undefined ? 2 : 1;
    }
  }
}

/** Go's spellings of a boolean. Returns what is wrong, or null. */
function setSwitch(name: string, inline: string | undefined, given: Given): string | null {
  if (inline === undefined || /^(?:1|t|T|true|True|TRUE)$/.test(inline)) given.switches.add(name);
  else if (/^(?:0|f|F|false|False|FALSE)$/.test(inline)) given.switches.delete(name);
  else return `-${name} is true or false, not ${JSON.stringify(inline)}`;
  return null;
}

/** A bare `-v`, as in the tutorial, is level 1. Levels above 2 exist in glog and mean the most that there is. */
function setLevel(inline: string | undefined, next: string | undefined, given: Given): number | string {
  const takesNext = inline === undefined && next !== undefined && /^-?\d+$/.test(next);
  const text = inline ?? (takesNext ? next : '1');
  if (!/^-?\d+$/.test(text)) return `-v is a number from 0 to 2, not ${JSON.stringify(text)}`;
  const level = Number(text);
  given.verbosity = level <= 0 ? 0 : level === 1 ? 1 : 2;
  return takesNext ? 2 : 1;
}

/** What `--version` prints: the bare version, as the original does. */
export function versionText(version: string): string {
  return `${version}\n`;
}

/** What `--help` prints. */
export function helpText(): string {
  return `mesos-dns: DNS for Apache Mesos clusters

Usage: mesos-dns [-config=FILE] [-v=LEVEL]

Flags (one dash or two; -flag=VALUE or -flag VALUE)
  -config=FILE     the configuration, a JSON file; default ${DEFAULT_CONFIG_FILE}
  -check-config    check the configuration, say what is wrong, and end
  -v=LEVEL         0: normal (default); 1, or -v alone: verbose;
                   2, or -vv: very verbose, with every record
  -version         print the version and end
  -help, -h        print this text and end
  -logtostderr, -alsologtostderr, -stderrthreshold=LEVEL,
  -vmodule=…, -log_dir=DIRECTORY, -log_backtrace_at=FILE:LINE
                   accepted for older units, without effect

Signals
  SIGTERM, SIGINT  stop, with exit code 0
  SIGHUP           read the configuration again and go over to it
  SIGUSR1          publish the next update, however much it removes

Exit codes
  0  stopped by a signal; -check-config found nothing wrong; -version; -help
  1  the configuration cannot be used, a socket cannot be bound,
     or zkDetectionTimeout has passed without a leading master
  2  the command line cannot be understood

Logs go to standard error. The README lists the keys of the configuration.
`;
}
