// Stands in for mesos-dns in the demonstration's tests: answers every A query and every HTTP request, and ends as FAKE_END says:
// `never` (ignores SIGTERM), a number of milliseconds after the start with exit code 3, or properly by default.

import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import dns from 'dns-packet';

const file = (process.argv[2] ?? '').replace(/^-config=/, '');
const config = JSON.parse(readFileSync(file, 'utf8')) as {
  readonly port: number;
  readonly httpPort: number;
};
const end = process.env['FAKE_END'] ?? '';

console.error(`fake server: ${JSON.stringify(config)}`);
const socket = createSocket('udp4');
socket.on('message', (message, from) => {
  const { id, questions } = dns.decode(message);
  const name = questions?.[0]?.name ?? '';
  const answers: dns.Answer[] = [{ type: 'A', name, ttl: 5, data: '192.0.2.1' }];
  socket.send(
    dns.encode({ type: 'response', id: id ?? 0, questions: questions ?? [], answers }),
    from.port,
    from.address,
  );
});
socket.bind(config.port, '127.0.0.1');
createServer((_, response) => response.end('OK')).listen(config.httpPort, '127.0.0.1');
process.on('SIGTERM', () => {
  if (end !== 'never') process.exit(0);
});
if (/^\d+$/.test(end)) setTimeout(() => process.exit(3), Number(end));
