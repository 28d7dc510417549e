import { expect, test } from 'vitest';
import { uuidMaker } from '../../src/id.ts';
import { audit } from '../support/audit.ts';
import { aConsumption } from '../support/builders.ts';
import { neighbour } from '../support/neighbours.ts';
import { ownBooks } from '../support/own-books.ts';
import { aSubmission } from '../support/submissions.ts';

/** Numbers of books are random, and two of one shard may meet. */

const random = uuidMaker(Date.now);
/** How many of the next uuids end as the first book's does. */
let meeting = 0;
const { books, sql } = await ownBooks(() =>
  (meeting -= 1) >= 0 ? `${random().slice(0, -12)}0123456789ab` : random(),
);

const spend = (customerId: string) => {
  const command = aConsumption({ chargeId: `chg_${random()}`, mode: 'CREDIT_ONLY' });
  return books.submit(aSubmission({ command, customerId }));
};

test('a book whose number another has is made under another, and so are those made with it', async () => {
  const [ada, bob, cyd] = [neighbour('ada', 0), neighbour('ada', 1), neighbour('ada', 2)];
  meeting = 1;
  await spend(ada);
  meeting = 3;
  await Promise.all([spend(bob), spend(cyd)]);

  const made = await sql.rows<{ customer_id: string; id: number; version: number }>(
    `select b.customer_id, b.id, b.version from books b join book_register r on r.book_id = b.id order by b.customer_id`,
  );
  expect(made.map(({ customer_id, version }) => [customer_id, version])).toEqual([
    [ada, 1],
    [bob, 1],
    [cyd, 1],
  ]);
  expect(new Set(made.map(({ id }) => id)).size).toBe(3);
  expect(await audit(sql)).toEqual([]);
});
