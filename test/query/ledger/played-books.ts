import { GRID, START } from '../../support/histories.ts';
import { neighbour } from '../../support/neighbours.ts';
import { longHistories, playThrough } from '../../support/played.ts';
import { at } from '../../support/requests.ts';
import type { Json } from '../../support/service.ts';
import { testWorld } from '../../support/world.ts';

/** Three customers with long histories, and what asks for their accounts. */
export async function playedBooks() {
  const world = await testWorld();
  const { caller, time } = world;
  const CUSTOMERS = ['ada', neighbour('ada', 1), 'cyd'];
  let last = START;
  for (const [i, steps] of longHistories(3, 20_260_402).entries()) {
    time.now = START;
    await playThrough(caller, time, steps, CUSTOMERS[i]!);
    last = Math.max(last, time.now);
  }
  time.now = last;
  /** `end`: the last instant at which something happened. */
  const books = {
    ...world,
    CUSTOMERS,
    end: last,
    accountsOf: async (request: object): Promise<readonly Json[]> =>
      (await caller.answer('ListAccounts', { pageSize: 1_000, ...request }))['accounts'] ?? [],
    /** Points of both axes, in steps that meet on no common grid. */
    points: (count: number): readonly { readonly asOf: string; readonly knownAt: string }[] =>
      Array.from({ length: count }, (_, i) => ({
        asOf: at(START + ((i * 7_919 * 3_571) % (books.end - START + 20 * GRID))),
        knownAt: at(START + ((i * 104_729 * 1_009) % (books.end - START + 5 * GRID))),
      })),
  };
  return books;
}
