import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import pino from 'pino';
import { ForwardingReport } from '../../src/forwarder/report.ts';

describe('ForwardingReport', () => {
  let lines: string[];
  let now: number;
  let report: ForwardingReport;
  const upstream = { name: '192.0.2.53:53' };

  beforeEach(() => {
    lines = [];
    now = 0;
    const logger = pino({ base: null, timestamp: false }, { write: (line: string) => lines.push(line) });
    report = new ForwardingReport(logger, () => now);
  });

  it('says once that an upstream began to fail, and once that it is back', () => {
    for (let n = 0; n < 100; n += 1) report.failing(upstream, 'no answer in time');
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? '', /192\.0\.2\.53:53.*no answer in time/);
    report.recovered(upstream);
    report.recovered(upstream);
    assert.equal(lines.length, 2);
  });

  it('keeps to two lines a minute for an upstream that comes and goes', () => {
    for (now = 0; now < 59_000; now += 1000) {
      report.failing(upstream, 'ECONNREFUSED');
      report.recovered(upstream);
    }
    assert.equal(lines.length, 2);
  });

  it('sums up unanswered queries at most each minute', () => {
    for (now = 0; now <= 60_000; now += 10) report.unanswered();
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? '', /"queries":6001,"seconds":60/);
  });
});
