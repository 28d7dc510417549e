import type { DescMethod, DescService } from '@bufbuild/protobuf';
import { MethodOptions_IdempotencyLevel as IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import type { HandlerContext, MethodImpl, ServiceImpl } from '@connectrpc/connect';
import type { Books } from '../write/books.ts';
import type { CommitDeps } from '../write/commit.ts';
import type { Clock } from '../db/clock.ts';
import type { QueryDeps } from '../book/questions.ts';
import type { UuidMaker } from '../id.ts';
import type { Balances } from '../query/balances.ts';
import type { Currencies } from '../tables/currencies.ts';
import type { Hub } from '../watch/hub.ts';
import type { StreamSlots } from '../live/stream-slots.ts';
import type { Feeds } from '../feed/feeds.ts';
import type { Validate } from './call/validation.ts';
import type { Encoded } from './encoding/encoded.ts';

/** What the handlers of both services work with. */
export type ServiceDeps = QueryDeps & {
  readonly clock: Clock;
  readonly uuids: UuidMaker;
  /** What previews of writes are decided by; `database` may be a replica, this is never one. */
  readonly commit: CommitDeps;
  readonly books: Books;
  readonly balances: Balances;
  readonly currencies: Currencies;
  /** The most verifications at once: each holds a connection, and a snapshot that holds up vacuum. */
  readonly verifications: StreamSlots;
  /** Streams of balances. */
  readonly hub: Hub;
  /** Streams of transactions. */
  readonly feeds: Feeds;
  /** For the items of batches: each is validated for itself, so that one bad item concerns its caller alone. */
  readonly validate: Validate;
};

/** Connect's implementation of an RPC, with what it works with between the request and Connect's context. */
export type Handler<M extends DescMethod> = (
  request: Parameters<MethodImpl<M>>[0],
  deps: ServiceDeps,
  context: HandlerContext,
) => ReturnType<MethodImpl<M>> | Promise<Encoded> | AsyncIterable<Encoded>;

/** Connect's implementation of a service, of a handler for every RPC; whoever mounts it knows answers that are {@link Encoded}. */
export const serviceOf =
  <S extends DescService>(handlers: { readonly [P in keyof S['method']]: Handler<S['method'][P]> }) =>
  (deps: ServiceDeps): ServiceImpl<S> =>
    Object.fromEntries(
      Object.entries<Handler<DescMethod>>(handlers).map(([name, handler]) => [
        name,
        (request: never, context: HandlerContext) => handler(request, depsOf(deps, context), context),
      ]),
    ) as unknown as ServiceImpl<S>;

/**
 * What a call works with: a question, which changes nothing and has one answer, asks the database for as long as somebody
 * waits for it. What is written goes on to its end, and streams stop by themselves.
 */
function depsOf(deps: ServiceDeps, { method, signal }: HandlerContext): ServiceDeps {
  const isQuestion = method.methodKind === 'unary' && method.idempotency === IdempotencyLevel.NO_SIDE_EFFECTS;
  return isQuestion ? { ...deps, database: deps.database.until(signal) } : deps;
}

/** When the caller stops waiting, in the clock's monotonic milliseconds; Infinity: never. */
export const deadlineOf = ({ timeoutMs }: HandlerContext, { clock }: ServiceDeps): number =>
  clock.monotonic() + (timeoutMs() ?? Infinity);
