// The thread that answers keeps its priority; everything else in the program gives way to it.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { getPriority } from 'node:os';
import { it } from 'node:test';
import { startProgram } from '../support/program.ts';

it('lets the thread that answers go before those that load the state', async () => {
  const program = await startProgram({ masters: ['127.0.0.1:9'] });
  try {
    const values = readdirSync(`/proc/${program.pid}/task`).map((thread) => getPriority(Number(thread)));
    const own = getPriority();
    assert.ok(values.includes(own), `the answering thread has ${own}: ${values}`);
    assert.equal(getPriority(program.pid), Math.min(19, own + 10), 'the main thread has given way');
    assert.ok(values.filter((value) => value > own).length > values.length / 2, `helpers too: ${values}`);
  } finally {
    await program.stop();
  }
});
