// A DNS server over TLS for tests, with a certificate for `dns.example` and 127.0.0.1 that is its own authority; made for
// these tests and used nowhere else.

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import packet from 'dns-packet';
import { framed } from './fake-upstream.ts';

export const tlsCertificate = `-----BEGIN CERTIFICATE-----
MIIBoDCCAUegAwIBAgIUXBged6iUifj+9q9plvrBoaDwt3MwCgYIKoZIzj0EAwIw
FjEUMBIGA1UEAwwLZG5zLmV4YW1wbGUwIBcNMjYxMTI1MTYzNzE4WhgPMjEyNjEx
MDExNjM3MThaMBYxFDASBgNVBAMMC2Rucy5leGFtcGxlMFkwEwYHKoZIzj0CAQYI
KoZIzj0DAQcDQgAEXDL3Vdvpa3ztTby9p6VGn2AuUcpeJEgMvPdbO0X6KlXCohNn
m5Wo442I3FTfl5+Md5XgyLvN/GpKsIH/TDVlraNxMG8wHQYDVR0OBBYEFMJ/cuNw
m9eP9nqUUVxm1jZhbabgMB8GA1UdIwQYMBaAFMJ/cuNwm9eP9nqUUVxm1jZhbabg
MA8GA1UdEwEB/wQFMAMBAf8wHAYDVR0RBBUwE4ILZG5zLmV4YW1wbGWHBH8AAAEw
CgYIKoZIzj0EAwIDRwAwRAIgDSzTeJZ2vYn98vgKBZT/0RdgnK/d95HCY7VbS3Fg
MnUCIEI2wegTdkrT+8AzqQMEUohB2e085iynSmhnYLpcB8VQ
-----END CERTIFICATE-----
`;

const tlsKey = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgwoiTTszfJrues0wl
QGK+8eAiOzK8axI+QPcmvo555OShRANCAARcMvdV2+lrfO1NvL2npUafYC5Ryl4k
SAy891s7RfoqVcKiE2eblajjjYjcVN+Xn4x3leDIu838akqwgf9MNWWt
-----END PRIVATE KEY-----
`;

export interface TlsUpstream {
  readonly port: number;
  /** Connections that came so far. */
  readonly connections: readonly TLSSocket[];
  /** Names asked for so far. */
  readonly names: readonly string[];
  close(): Promise<void>;
}

/** Answers every question with 192.0.2.53. */
export async function startTlsUpstream(): Promise<TlsUpstream> {
  const connections: TLSSocket[] = [];
  const names: string[] = [];
  const server = createServer({ cert: tlsCertificate, key: tlsKey, ALPNProtocols: ['dot'] }, (socket) => {
    connections.push(socket);
    let received = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const end = 2 + received.readUInt16BE(0);
        const query = packet.decode(received.subarray(2, end));
        received = received.subarray(end);
        const [question] = query.questions ?? [];
        if (question === undefined) continue;
        names.push(question.name);
        const answer: packet.Answer = { type: 'A', name: question.name, ttl: 60, data: '192.0.2.53' };
        socket.write(
          framed(packet.encode({ type: 'response', id: query.id ?? 0, questions: [question], answers: [answer] })),
        );
      }
    });
  });
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    connections,
    names,
    async close() {
      for (const socket of connections) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
