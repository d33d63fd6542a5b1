// What the process does with its arguments; nothing else.

import { EXIT_CODES, helpText, parseArguments, versionText } from './cli.ts';
import { type LoadedConfig, loadConfig } from './config/load.ts';
import { runDaemon } from './daemon.ts';
import { messageOf } from './errors.ts';
import { inJournal } from './observability/log-lines.ts';
import { createLog, formOf, type Log } from './observability/logger.ts';
import { VERSION } from './version.ts';

/** Of sd-daemon(3). */
const ERROR_PRIORITY = 3;

/** @param argv the arguments behind the script. @returns the exit code */
export async function main(argv: readonly string[]): Promise<number> {
  const command = parseArguments(argv);
  switch (command.kind) {
    case 'help':
      process.stdout.write(helpText());
      return EXIT_CODES.ok;
    case 'version':
      process.stdout.write(versionText(VERSION));
      return EXIT_CODES.ok;
    case 'usage-error':
      complain(command.message);
      return EXIT_CODES.usage;
    case 'check-config':
      return withConfig(command.configFile, createLog(0), command.warnings, async () => {
        process.stdout.write(`${command.configFile}: the configuration is usable\n`);
        return EXIT_CODES.ok;
      });
    case 'run': {
      const { configFile: file, verbosity } = command;
      const log = createLog(verbosity);
      return withConfig(file, log, command.warnings, ({ config }) => runDaemon({ file, config, verbosity, log }));
    }
  }
}

async function withConfig(
  file: string,
  log: Log,
  warnings: readonly string[],
  use: (loaded: LoadedConfig) => Promise<number>,
): Promise<number> {
  let loaded: LoadedConfig;
  try {
    loaded = await loadConfig(file);
  } catch (error) {
    complain(messageOf(error));
    return EXIT_CODES.failure;
  }
  log.setFormat(loaded.config.logFormat);
  for (const warning of [...warnings, ...loaded.warnings]) log.root.warn(warning);
  return use(loaded);
}

/** Of what keeps the program from having a log of the form that is wanted. */
function complain(message: string): void {
  const text = `mesos-dns: ${message}`;
  process.stderr.write(formOf('auto') === 'journal' ? inJournal(ERROR_PRIORITY, text) : `${text}\n`);
}
