import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { createBookCache, type BookCache } from '../../src/book/book-cache.ts';
import { audit } from '../support/audit.ts';
import { batchedWorld, NOT_KEPT, postedByHand, type Play, type Tentative } from '../support/batched.ts';
import { ALL_WAYS, BEFORE, freshIds, NOW, type Way } from '../support/every-command.ts';

/**
 * Law 6: what a write does never depends on who shares its batch. Every pair of commands, in every way that matters, is
 * played on one book, at once and in turn, each time from the same beginning; what the callers hear and every row of
 * the book must be the same.
 */

const { time, sql, commit, tentatively } = await batchedWorld();

/** Each lane has its own book with the same history, so that several are played at a time. */
const LANES = ['one', 'two', 'three'] as const;

type Lane = {
  readonly customerId: string;
  readonly posted: readonly string[];
  readonly version: number;
  readonly kept: BookCache;
};
const lanes: Lane[] = [];

beforeAll(async () => {
  for (const customerId of LANES) lanes.push(await laneOf(customerId));
});

async function laneOf(customerId: string): Promise<Lane> {
  const kept = createBookCache(10_000);
  for (const [at, command, key] of BEFORE) {
    time.now = at;
    const posted = await postedByHand(sql, customerId);
    const play = typeof command === 'function' ? command(posted) : command;
    const [heard] = await commit([{ customerId, command: play, ...(key !== undefined && { key }) }], kept);
    expect(heard).toMatchObject({ changed: true });
  }
  time.now = NOW;
  // What was kept at the beginning is kept for all that is undone.
  const constant: BookCache = { find: kept.find, keep: () => undefined };
  return { customerId, posted: await postedByHand(sql, customerId), version: BEFORE.length, kept: constant };
}

/** What callers hear of some writes, and what the book says after them. */
type Story = { readonly heard: readonly unknown[]; readonly said: readonly string[] };

const playOf = ({ customerId, posted }: Lane, { command, key }: Way, place: number): Play => ({
  customerId,
  command: freshIds(command(posted), place),
  ...(key !== undefined && { key }),
});

/** The writes in one batch, of a book that is kept in memory. */
async function atOnce(
  { commit: play, undone, said }: Tentative,
  lane: Lane,
  ways: readonly Way[],
): Promise<Story> {
  const plays = ways.map((way, place) => playOf(lane, way, place));
  return undone(async () => {
    const heard = await play(plays, lane.kept);
    return { heard, said: await said(lane.customerId, lane.version) };
  });
}

/** Calls `tell` with the story of each list of ways that begins with `first`, played one after the other, none kept. */
async function inTurn(
  { commit: play, undone, said }: Tentative,
  lane: Lane,
  first: Way,
  thens: readonly (readonly Way[])[],
  tell: (ways: readonly Way[], story: Story) => Promise<void>,
): Promise<void> {
  await undone(async () => {
    const heardFirst = await play([playOf(lane, first, 0)], NOT_KEPT);
    for (const then of thens) {
      const story = await undone(async () => {
        const heard = [...heardFirst];
        for (const [i, way] of then.entries())
          heard.push(...(await play([playOf(lane, way, i + 1)], NOT_KEPT)));
        return { heard, said: await said(lane.customerId, lane.version) };
      });
      await tell(then, story);
    }
  });
}

type Meeting = { readonly first: Way; readonly thens: readonly (readonly Way[])[] };

/** Plays the meetings at once and in turn; those of which anybody can tell the difference. */
async function othersAtOnce(meetings: readonly Meeting[]): Promise<readonly Difference[]> {
  const others: Difference[] = [];
  const waiting = [...meetings];
  await Promise.all(
    lanes.map(async (lane) => {
      for (let meeting = waiting.shift(); meeting !== undefined; meeting = waiting.shift()) {
        const { first, thens } = meeting;
        const stories = new Map<readonly Way[], Story>();
        await tentatively((tentative) =>
          inTurn(tentative, lane, first, thens, async (then, story) => void stories.set(then, story)),
        );
        await tentatively(async (tentative) => {
          for (const [then, story] of stories) {
            const ways = [first, ...then];
            const shared = await atOnce(tentative, lane, ways);
            if (JSON.stringify(shared) === JSON.stringify(story)) continue;
            others.push({ meeting: ways.map(({ as }) => as).join(', then '), atOnce: shared, inTurn: story });
          }
        });
      }
    }),
  );
  return others;
}

type Difference = { readonly meeting: string; readonly atOnce: Story; readonly inTurn: Story };

/** Some of them, and the same for the same seed. */
const sampled = <One>(of: readonly One[], count: number, seed: number): readonly One[] =>
  fc.sample(fc.constantFrom(...of), { numRuns: count, seed });

describe('writes of one book', () => {
  test('do in pairs what they do in turn, whichever they are, also each with itself', async () => {
    const thens = ALL_WAYS.map((way) => [way]);

    expect(await othersAtOnce(ALL_WAYS.map((first) => ({ first, thens })))).toEqual([]);
  });

  test('do in threes and fours what they do in turn', async () => {
    const meetings = sampled(ALL_WAYS, 30, 6_001).map((first, i) => ({
      first,
      thens: [2, 2, 2, 3, 3].map((more, j) => sampled(ALL_WAYS, more, 1_000 * i + j)),
    }));

    expect(await othersAtOnce(meetings)).toEqual([]);
  });

  test('do what a dry run of each has told, which itself does nothing', async () => {
    const lane = lanes[0]!;
    const others: unknown[] = [];
    await tentatively(async (tentative) => {
      const before = await tentative.said(lane.customerId, lane.version);
      for (const way of ALL_WAYS.filter(({ key }) => key === undefined)) {
        const play = playOf(lane, way, 0);
        const told = await tentative.dryRun(play);
        const after = await tentative.said(lane.customerId, lane.version);
        const { heard } = await atOnce(tentative, lane, [way]);
        const [was, is] = [told, heard[0]].map(withoutOwn);
        if (JSON.stringify([was, after]) !== JSON.stringify([is, before]))
          others.push({ way: way.as, was, is });
      }
    });

    expect(others).toEqual([]);
  });

  test('do what they do without writes of other books in their batch', async () => {
    const others: unknown[] = [];
    await tentatively(async (tentative) => {
      for (const round of Array.from({ length: 40 }).keys()) {
        const ways = lanes.map((_, i) => sampled(ALL_WAYS, 2, 100 * round + i));
        const own: Story[] = [];
        for (const [i, lane] of lanes.entries()) own.push(await atOnce(tentative, lane, ways[i]!));
        const shared = await tentative.undone(async () => {
          // One of each book in turn, so that none is next to its own.
          const plays = [0, 1].flatMap((place) =>
            lanes.map((lane, i) => playOf(lane, ways[i]![place]!, place)),
          );
          const heard = await tentative.commit(plays, NOT_KEPT);
          const stories: Story[] = [];
          for (const [i, { customerId, version }] of lanes.entries()) {
            const said = await tentative.said(customerId, version);
            stories.push({ heard: [heard[i], heard[lanes.length + i]], said });
          }
          return stories;
        });
        if (JSON.stringify(shared) !== JSON.stringify(own)) others.push({ ways, shared, own });
      }
    });

    expect(others).toEqual([]);
  });

  test('leave sound books behind', async () => {
    expect(await audit(sql)).toEqual([]);
  });
});

/** A dry run has no version and no instant of its own, and makes nothing under them. */
/** Without what a dry run does not have: a version of its own, and somebody who makes it. */
const withoutOwn = (heard: unknown): unknown =>
  JSON.parse(JSON.stringify(heard), (key, value: unknown) =>
    ['version', 'recordedAt', 'maker'].includes(key) ? undefined : value,
  );
