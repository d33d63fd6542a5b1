// A master that serves one document, from memory, as quickly as it can. Its argument is the document's file; it says its port.

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const document = await readFile(process.argv[2] ?? '');
const server = createServer((request, response) => {
  const isState = request.url?.startsWith('/state') === true || request.url?.startsWith('/master/state') === true;
  if (!isState) response.writeHead(404).end();
  else response.writeHead(200, { 'content-type': 'application/json', 'content-length': document.length }).end(document);
});
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));
