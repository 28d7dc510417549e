import { afterAll, expect, onTestFinished, test } from 'vitest';
import { callerOf } from '../support/caller.ts';
import { dataDirectory, endOf, freePort, spawnService } from '../support/child.ts';
import { grantRequest } from '../support/requests.ts';
import { scrape } from '../support/scrape.ts';
import { until, untilSo } from '../support/until.ts';

/** The metrics of a process: from before its database is there until after its last call. */

const MINUTES = 60_000;
const directory = dataDirectory();
afterAll(() => directory.remove(), MINUTES);

test(
  'tell of the embedded Postgres when it is killed and started again, and end with the process',
  async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}/metrics`;
    const service = await directory.start({ CREDIT_LEDGER_METRICS_PORT: String(port) });
    await callerOf(service).answer('CreateGrant', grantRequest());
    const before = await scrape(url);
    const [up, restarts] = [
      'credit_ledger_embedded_postgres_up',
      'credit_ledger_embedded_postgres_restarts_total',
    ];
    expect([before.value(up), before.value(restarts)]).toEqual([1, 0]);
    expect(before.value('credit_ledger_durability_off')).toBe(0);
    expect(before.value('credit_ledger_unready')).toBe(0);
    expect(await probe(port, 'readyz')).toMatchObject({ status: 200, body: { ready: true } });

    process.kill(directory.postmaster()!, 'SIGKILL');
    const after = await until('it is started again', async () => {
      const now = await scrape(url);
      return now.value(restarts) === 1 ? now : undefined;
    });
    expect(after.value(up)).toBe(1);
    expect(await service.end('SIGTERM')).toBe(0);
    await expect(scrape(url)).rejects.toThrow('fetch failed');
  },
  MINUTES,
);

/** What a probe of the port of metrics is answered. */
async function probe(port: number, path: string) {
  const answer = await fetch(`http://127.0.0.1:${port}/${path}`);
  return { status: answer.status, body: await answer.json() };
}

test(
  'have the probes beside them, which tell of a start that waits for its database',
  async () => {
    const port = await freePort();
    const child = spawnService({
      CREDIT_LEDGER_PORT: '0',
      CREDIT_LEDGER_METRICS_PORT: String(port),
      DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nothing',
    });
    onTestFinished(async () => {
      await endOf(child, 'SIGKILL');
    });
    await untilSo('it listens', () =>
      probe(port, 'livez').then(
        () => true,
        () => false,
      ),
    );

    expect(await probe(port, 'livez')).toEqual({ status: 200, body: { alive: true } });
    expect(await probe(port, 'readyz')).toMatchObject({ status: 503, body: { reason: 'STARTING' } });
  },
  MINUTES,
);
