import { isDeepStrictEqual } from 'node:util';
import type {
  DescMethod,
  DescMethodServerStreaming,
  DescMethodUnary,
  DescService,
  Message,
} from '@bufbuild/protobuf';
import { ConnectError, type Transport } from '@connectrpc/connect';
import { createAsyncIterable } from '@connectrpc/connect/protocol';
import { afterAll, describe, expect, test } from 'vitest';
import { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import { ErrorInfoSchema } from '#gen/google/rpc/error_details_pb.ts';
import { LedgerService } from '#gen/ledger/v1/ledger_service_pb.ts';
import { RIGHTS } from '../../src/credentials/credential.ts';
import { rightOf } from '../../src/rpc/call/mounted-service.ts';
import { createValidation, inputsOf } from '../../src/rpc/call/validation.ts';
import { aCredential, changingCredentials, type MadeCredential } from '../support/credentials.ts';
import { minimalRequest } from '../support/minimal-request.ts';
import { testDatabase } from '../support/postgres.ts';
import { transports } from '../support/transports.ts';
import { testService } from '../support/service.ts';
import { openSql } from '../support/sql.ts';

/**
 * Who may call what, and where: every RPC there is × every right × namespaces of one's own, of others and by default ×
 * every protocol. Made from the descriptors, so that a new RPC is in it by itself.
 */

const OURS = 'ours';
const NAMESPACES = [OURS, 'theirs', ''];

const held = RIGHTS.flatMap((right) => [
  aCredential(`${right}-in-ours`, [right], [OURS]),
  aCredential(`${right}-everywhere`, [right]),
]);
const all = aCredential('all-in-ours', RIGHTS, [OURS]);
const unknown = aCredential('not-in-the-file', RIGHTS);
const none = { secret: '', entry: { ...unknown.entry, name: 'no-secret' } };

const { credentials } = changingCredentials(...held, all);
const database = await testDatabase();
// By the machine's own clock, and with bookmarks that come at once: what is let in has to show it.
const guarded = await testService(database.url, { credentials, feeds: { bookmarkMs: 10 } });
const sql = await openSql(database.url);
afterAll(() => guarded.stop());
afterAll(() => sql.end());

const services: readonly DescService[] = [CreditService, LedgerService];
const methods = services.flatMap((service) => service.methods);
const validate = createValidation(inputsOf(services));

/** What a caller is told: the reason, with what is said beside it; of a batch with one item, the item's. */
type Told = { readonly reason: string; readonly metadata: Readonly<Record<string, string>> };
const ANSWERED: Told = { reason: 'none', metadata: {} };

async function told(transport: Transport, method: DescMethod, request: Message, secret: string) {
  const header = secret === '' ? {} : { authorization: `Bearer ${secret}` };
  const left = new AbortController();
  try {
    if (method.methodKind === 'unary') {
      const unary = method as DescMethodUnary;
      const { message } = await transport.unary(unary, undefined, undefined, header, request);
      return inItem(message) ?? ANSWERED;
    }
    const requests = createAsyncIterable([request]);
    const streamed = method as DescMethodServerStreaming;
    const { message } = await transport.stream(streamed, left.signal, undefined, header, requests);
    await message[Symbol.asyncIterator]().next();
    return ANSWERED;
  } catch (error) {
    const [info] = ConnectError.from(error).findDetails(ErrorInfoSchema);
    if (info === undefined) throw error;
    return info;
  } finally {
    left.abort();
  }
}

function inItem(answer: Message): Told | undefined {
  const { results } = answer as Message & {
    results?: readonly { outcome?: { case?: string; value?: Told } }[];
  };
  const outcome = results?.[0]?.outcome;
  return outcome?.case === 'error' ? outcome.value : undefined;
}

type Case = {
  readonly method: DescMethod;
  readonly caller: MadeCredential;
  readonly namespace: string;
  /** What has to be told; null: anything but that the caller may not. */
  readonly expected: Told | null;
};

const cases: readonly Case[] = methods.flatMap((method) =>
  [none, unknown, all, ...held].flatMap((caller) =>
    NAMESPACES.map((namespace) => ({
      method,
      caller,
      namespace,
      expected: refusalFor(method, caller, namespace),
    })),
  ),
);

function refusalFor(method: DescMethod, { entry }: MadeCredential, namespace: string): Told | null {
  if (entry.name === none.entry.name || entry.name === unknown.entry.name)
    return { reason: 'UNAUTHENTICATED', metadata: {} };
  const permission = rightOf(method);
  if (!entry.rights.includes(permission))
    return { reason: 'FORBIDDEN', metadata: { permission, namespace: '' } };
  const meant = namespace === '' ? 'default' : namespace;
  return entry.namespaces === '*' || entry.namespaces.includes(meant)
    ? null
    : { reason: 'FORBIDDEN', metadata: { permission, namespace: meant } };
}

/** How many rows each table has. */
async function rowsOfAll(): Promise<Record<string, number>> {
  const tables = await sql.rows<{ name: string }>(
    `select relname as name from pg_class join pg_namespace n on n.oid = relnamespace
     where relkind in ('r', 'p') and n.nspname = 'public' and not relispartition order by relname`,
  );
  const counted: (readonly [string, number])[] = [];
  for (const { name } of tables) {
    const [row] = await sql.rows<{ n: number }>(`select count(*)::int as n from "${name}"`);
    counted.push([name, row!.n]);
  }
  return Object.fromEntries(counted);
}

/** Every case over one protocol, in turn, by its name; only those that were told something else than they should be. */
async function wrongOnes(transport: Transport, some: readonly Case[]): Promise<Record<string, Told>> {
  const wrong: Record<string, Told> = {};
  for (const { method, caller, namespace, expected } of some) {
    const request = minimalRequest(method.input, namespace, validate);
    const { reason, metadata } = await told(transport, method, request, caller.secret);
    const isRight =
      expected === null
        ? reason !== 'UNAUTHENTICATED' && reason !== 'FORBIDDEN'
        : isDeepStrictEqual({ reason, metadata }, expected);
    if (!isRight) wrong[`${caller.entry.name}: ${method.name} in "${namespace}"`] = { reason, metadata };
  }
  return wrong;
}

const isRefused = ({ expected }: Case) => expected !== null;

const before = await rowsOfAll();

describe('every RPC × every right × every namespace', () => {
  const wires = Object.entries(transports);

  test.each(wires)('%s: who may not is told so', async (_name, connect) => {
    expect(await wrongOnes(connect(guarded.url), cases.filter(isRefused))).toEqual({});
  });

  test('and nothing was written', async () => {
    expect(await rowsOfAll()).toEqual(before);
  });

  test.each(wires)('%s: who may is let in', async (_name, connect) => {
    expect(
      await wrongOnes(
        connect(guarded.url),
        cases.filter((one) => !isRefused(one)),
      ),
    ).toEqual({});
  });

  test('is gone over', async () => {
    const refused = cases.filter(isRefused).length;
    console.log(
      `held apart: ${methods.length} RPCs × ${2 + 1 + held.length} callers × ${NAMESPACES.length} namespaces × ` +
        `${wires.length} protocols: ${refused * wires.length} calls refused, ${(cases.length - refused) * wires.length} let in`,
    );
    expect(methods.length).toBeGreaterThan(35);
    expect(new Set(methods.map(rightOf))).toEqual(new Set(RIGHTS));
    // Those who may have written.
    expect(await rowsOfAll()).not.toEqual(before);
  });
});
