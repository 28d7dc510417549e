import { describe, expect, test } from 'vitest';
import type { CauseKind } from '../../src/credit/cause.ts';
import { createConflatingBuffer } from '../../src/watch/conflating-buffer.ts';
import type { BalanceMessage } from '../../src/watch/message.ts';

/** What a stream is told, however slowly it is read. */

const message = (version: number, figures: string, ...causes: CauseKind[]): BalanceMessage => ({
  version,
  figures,
  causes,
  asOf: version,
  balances: [],
  below: [],
  heartbeat: false,
});
const heartbeat = (of: BalanceMessage): BalanceMessage => ({ ...of, causes: [], heartbeat: true });

/** A buffer whose reader has been told how things are. */
async function opened() {
  const buffer = createConflatingBuffer();
  buffer.offer(message(1, 'a'));
  await buffer.take();
  return buffer;
}

describe('a reader that is slow', () => {
  test('gets the newest message alone, with the causes of all', async () => {
    const buffer = await opened();
    buffer.offer(message(2, 'b', 'CHARGE_COLLECTED'));
    buffer.offer(message(3, 'c', 'GRANT_CREATED', 'CHARGE_COLLECTED'));
    buffer.offer(message(3, 'd', 'GRANT_EXPIRED'));

    expect(await buffer.take()).toMatchObject({
      version: 3,
      figures: 'd',
      causes: ['CHARGE_COLLECTED', 'GRANT_CREATED', 'GRANT_EXPIRED'],
    });
  });

  test('is not told what has changed and changed back', async () => {
    const buffer = await opened();
    buffer.offer(message(2, 'b', 'CHARGE_COLLECTED'));
    buffer.offer(message(3, 'a', 'CHARGE_CORRECTED'));
    const next = buffer.take();
    buffer.offer(message(4, 'c', 'GRANT_CREATED'));

    expect(await next).toMatchObject({ version: 4, causes: ['GRANT_CREATED'] });
  });

  test('gets no heartbeat: it has not read what there is', async () => {
    const buffer = await opened();

    expect(buffer.beat(() => heartbeat(message(1, 'a')))).toBe(false);
  });
});

test('the first message says how things are and not what has changed, whatever came while it was made', async () => {
  const buffer = createConflatingBuffer();
  buffer.offer(message(2, 'b', 'CHARGE_COLLECTED'));

  expect(await buffer.take()).toMatchObject({ version: 2, causes: [] });
});

test('a message that nobody had to merge is the very one that all streams share', async () => {
  const buffer = await opened();
  const shared = message(2, 'b', 'CHARGE_COLLECTED');
  buffer.offer(shared);

  expect(await buffer.take()).toBe(shared);
});

test('a reader that waits gets a heartbeat, and news in its place if there is any by then', async () => {
  const buffer = await opened();
  const quiet = buffer.take();
  expect(buffer.beat(() => heartbeat(message(1, 'a')))).toBe(true);
  expect(await quiet).toMatchObject({ heartbeat: true });

  const next = buffer.take();
  buffer.beat(() => heartbeat(message(1, 'a')));
  buffer.offer(message(2, 'b', 'CHARGE_COLLECTED'));
  expect(await next).toMatchObject({ version: 2, heartbeat: false, causes: ['CHARGE_COLLECTED'] });
});

test('what ends a stream ends it once, and before anything that was not read', async () => {
  const buffer = await opened();
  buffer.offer(message(2, 'b'));
  buffer.end(new Error('first'));
  buffer.end();

  await expect(buffer.take()).rejects.toThrow('first');
});
