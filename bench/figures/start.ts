import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { shutdown } from '../../src/embedded/server.ts';
import type { Bench } from '../support/bench.ts';
import type { Figure, Row } from '../support/figure.ts';
import { startProcess } from '../support/process.ts';
import { median } from '../support/samples.ts';

export const start: Figure = {
  name: 'start',
  goal: 'npm start: cold (initdb, migrate, listen) ≤ 6 s, warm ≤ 2 s',
  limit: 400,
  run: async (bench) => {
    const [cold, warm]: [number[], number[]] = [[], []];
    for (let round = 0; round < (bench.quick ? 1 : 5); round += 1) {
      const directory = mkdtempSync(join(bench.directory, 'start-'));
      bench.defer(async () => {
        await shutdown(join(directory, 'postgres'));
        rmSync(directory, { recursive: true, force: true });
      });
      cold.push(await startedInMs(bench, directory));
      warm.push(await startedInMs(bench, directory));
    }
    const row = (measured: string, samples: readonly number[], most: number, conditions: string): Row => ({
      measured,
      other: null,
      ratio: null,
      goal: { bound: 'at most', value: most },
      ours: { what: 'until it serves', value: median(samples) / 1000, unit: 's' },
      conditions: `median of ${samples.length}, slowest ${(Math.max(...samples) / 1000).toFixed(1)} s; ${conditions}`,
    });
    return [
      row(
        'cold npm start',
        cold,
        6,
        'no data directory: initdb, migrations, Postgres and service; npm itself included',
      ),
      row('warm npm start', warm, 2, 'stopped in order before: Postgres and service; npm itself included'),
    ];
  },
};

/** One start and a stop in order, Postgres and all. */
async function startedInMs(bench: Bench, directory: string): Promise<number> {
  const server = await startProcess(['npm', 'start'], {
    env: { ...npmEnvironment(), CREDIT_LEDGER_DATA_DIR: directory, CREDIT_LEDGER_PORT: '0' },
    logFile: join(bench.directory, `start-${performance.now()}.log`),
  });
  await server.end();
  return server.startedInMs;
}

/** npm looks for its settings at home. */
const npmEnvironment = (): Readonly<Record<string, string>> =>
  process.env['HOME'] === undefined ? {} : { HOME: process.env['HOME'] };
