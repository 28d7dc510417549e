import { expect, test } from 'vitest';
import { longHistories, playThrough } from '../support/played.ts';
import { verified } from '../support/verifier.ts';
import { testWorld } from '../support/world.ts';

/** A book that only the service has written is sound, whatever was asked of it. */

const { caller, time, url } = await testWorld();

test('nothing is found after random histories of every command', async () => {
  for (const [number, steps] of longHistories(12, 20_260_301).entries()) {
    await playThrough(caller, time, steps, `customer ${number}`);
  }
  const { findings, events } = await verified(url, {});

  expect(findings.map(({ message }) => message)).toEqual([]);
  expect(events.at(-1)).toMatchObject({ case: 'summary', value: { books: 12n, findings: 0n } });
});
