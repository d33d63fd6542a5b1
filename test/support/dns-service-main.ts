// A process that serves DNS as its argument says, writes its port on standard output, ends on SIGTERM, and fails on SIGUSR2.

import { type ServiceSetup, startService } from './dns-service.ts';

const { supervisor, port } = await startService(JSON.parse(process.argv[2] ?? '{}') as ServiceSetup);
process.on('SIGTERM', () => {
  void supervisor.stop(1000);
});
process.on('SIGUSR2', () => {
  throw new Error('as it was told');
});
// Without a master to follow, nothing else keeps this process for its threads.
process.stdout.write(`${port}\n`);
