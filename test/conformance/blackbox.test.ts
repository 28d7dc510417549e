import { afterAll, describe, expect, it } from 'vitest';
import { testDatabase } from '../support/postgres.ts';
import { testService } from '../support/service.ts';
import { play } from './run.ts';
import { scenarios } from './scenario.ts';

const database = await testDatabase();
const service = await testService(database.url);
afterAll(() => service.stop());

const blackbox = scenarios.filter((scenario) => scenario.blackbox);

describe(`conformance, ${blackbox.length} scenarios against a running service on its real clock`, () => {
  it.each(blackbox.map((scenario) => [scenario.id, scenario.title, scenario] as const))(
    '%s %s',
    async (_id, _title, scenario) => {
      const t0 = Math.floor((Date.now() - 5_000) / 1_000) * 1_000;
      expect(await play(scenario, { urls: [service.url], t0, moveTo: () => undefined })).toEqual([]);
    },
  );
});
