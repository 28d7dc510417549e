import { Session } from 'node:inspector/promises';
import { afterAll, expect, test } from 'vitest';
import { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import { grpcCaller } from './support/grpc-caller.ts';
import { wayOf } from './support/ways.ts';
import { testWorld } from './support/world.ts';

const { url, time, caller } = await testWorld();
const inspector = new Session();
inspector.connect();
await inspector.post('Profiler.enable');
afterAll(() => inspector.disconnect());

/** The files below `src` of which something runs meanwhile. */
async function filesThatRun(work: () => Promise<unknown>): Promise<ReadonlySet<string>> {
  await inspector.post('Profiler.startPreciseCoverage', { callCount: true });
  await inspector.post('Profiler.takePreciseCoverage');
  await work();
  const { result } = await inspector.post('Profiler.takePreciseCoverage');
  const ran = result.filter(({ functions }) => functions.some(({ ranges }) => ranges[0]!.count > 0));
  return new Set(ran.flatMap((script) => script.url.split(/.*\/src\//)[1] ?? []));
}

/** A connection of its own: how it is taken is a part of the way. */
async function overGrpc<T>(work: (client: ReturnType<typeof grpcCaller>) => Promise<T>): Promise<T> {
  const client = grpcCaller(url);
  try {
    return await work(client);
  } finally {
    client.close();
  }
}

/** Pieces of SQL: all that it does is done when it is loaded. */
const TEXT_ALONE = 'ledger/as-of.ts';

const ada = { customerId: 'ada', currency: 'USD' };

test('a spend goes through every file that docs/architecture.md names', async () => {
  await caller.answer('CreateGrant', { ...ada, name: 'Welcome', amount: '10' });

  const ran = await filesThatRun(() =>
    overGrpc((client) =>
      client.call(CreditService.method.consumeCredits, {
        ...ada,
        name: 'Call',
        amount: '1',
        idempotencyKey: 'k',
      }),
    ),
  );

  expect(wayOf('A spend, from the wire to its commit and back').filter((path) => !ran.has(path))).toEqual([]);
});

test('a balance of the past goes through every file that docs/architecture.md names', async () => {
  const asOf = { seconds: BigInt(time.now / 1_000), nanos: 0 };
  time.now += 10_000;
  await caller.answer('CreateGrant', { ...ada, name: 'More', amount: '10' });

  const ran = await filesThatRun(() =>
    overGrpc((client) => client.call(CreditService.method.getBalance, { ...ada, asOf })),
  );

  expect(wayOf('A balance of the past').filter((path) => !ran.has(path))).toEqual([TEXT_ALONE]);
});
