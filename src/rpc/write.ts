import {
  clearField,
  equals,
  fromBinary,
  type DescMessage,
  type DescMethodUnary,
  type Message,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import { LedgerService } from '#gen/ledger/v1/ledger_service_pb.ts';
import type { Command } from '../credit/command.ts';
import type { Remembered } from '../tables/remembered.ts';
import { preview } from '../write/preview.ts';
import type { Decided, Submission } from '../write/submission.ts';
import { keyOf } from './decode.ts';
import { bytesOf, writerWithout } from './encoding/encode.ts';
import { binaryOf, Encoded, raised, type MadeByCall } from './encoding/encoded.ts';
import { actorKey } from './call/incoming-call.ts';
import { deadlineOf, type ServiceDeps } from './handler.ts';
import { canonicalOf } from './canonical.ts';
import { textOf } from './wire.ts';

/** What the request of every write has. */
export type WriteRequest = Message & {
  readonly namespace: string;
  readonly customerId: string;
  readonly idempotencyKey: string;
  /** Asks what the write would be answered if it were made. */
  readonly dryRun?: boolean;
};

/** The handler of a write. */
export type WriteHandler<C extends Command, Request> = {
  (request: Request, deps: ServiceDeps, context: HandlerContext): Promise<Encoded>;
  readonly input: DescMessage;
  readonly output: DescMessage;
  /** The write a request asks for. */
  prepare(request: Request, deps: ServiceDeps, context: HandlerContext): Promise<Submission<C, Encoded>>;
};

/**
 * The handler of a write: what its request commands, and what is answered once that is decided. A repeat of its
 * idempotency key is recognized by what it means, and answered what the first was, marked as replayed.
 * `never` until `toCommand` is looked at: what answers several commands must not be held against all of them.
 */
export function write<I extends DescMessage, O extends DescMessage, C extends Command = never>(
  { input, output }: DescMethodUnary<I, O> & (MessageShape<I> extends WriteRequest ? unknown : never),
  toCommand: (request: MessageShape<I>, deps: ServiceDeps) => C | Promise<C>,
  toAnswer: (decided: Decided<C>, request: MessageShape<I>) => MessageInitShape<O>,
): WriteHandler<C, MessageShape<I> & WriteRequest> {
  type Request = MessageShape<I> & WriteRequest;
  const writeContent = writerWithout(input, NOT_CONTENT);
  const replayed = output.fields.find(({ name }) => name === 'replayed')!;
  const prepare = async (request: Request, deps: ServiceDeps, context: HandlerContext) => ({
    key: keyOf(request),
    command: await toCommand(request, deps),
    actor: context.values.get(actorKey),
    idempotencyKey: textOf(request.idempotencyKey),
    content: () => bytesOf((writer) => writeContent(writer, request)),
    differsFrom: (stored: Uint8Array) =>
      firstDifference(
        input,
        canonicalOf(input, fromBinary(input, stored)),
        canonicalOf(input, contentOf(input, request)),
      ),
    reply: {
      respond: (decided: Decided<C>) => {
        const answer = toAnswer(decided, request);
        return new Encoded(binaryOf(output, answer), madeIn(answer as Naming, decided.version));
      },
      encode: ({ bytes }: Encoded) => bytes,
      replay: (stored: Uint8Array) => new Encoded(raised(stored, replayed), REPLAYED),
    },
    deadline: deadlineOf(context, deps),
    signal: context.signal,
  });
  const handle = async (request: Request, deps: ServiceDeps, context: HandlerContext) =>
    perform(request, deps, await prepare(request, deps, context));
  return Object.assign(handle, { input, output, prepare });
}

const REPLAYED: MadeByCall = { replayed: true };

/** What answers of writes may have that they made or changed. */
type Naming = { readonly [Made in 'grant' | 'charge' | 'transaction']?: { readonly id?: string } };

/** No more than is told is kept of an answer until it is. */
const madeIn = ({ grant, charge, transaction }: Naming, version: number): MadeByCall => ({
  grantId: grant?.id,
  chargeId: charge?.id,
  transactionId: transaction?.id,
  version,
});

/** Makes the write that a request asks for, or says what it would be answered. */
export const perform = <C extends Command, Answer>(
  { dryRun }: WriteRequest,
  { books, commit }: ServiceDeps,
  submission: Submission<C, Answer>,
): Promise<Answer> => (dryRun === true ? preview(commit, submission) : books.submit(submission));

/** Who asks and how often is not what is asked: two requests that differ only here are the same. */
const NOT_CONTENT: ReadonlySet<string> = new Set(['namespace', 'customer_id', 'idempotency_key']);

function contentOf<S extends DescMessage>(schema: S, request: MessageShape<S>): MessageShape<S> {
  const content: MessageShape<S> = { ...request };
  for (const field of schema.fields) if (NOT_CONTENT.has(field.name)) clearField(content, field);
  return content;
}

/** The proto name of the first field in which two messages differ, in the order they are declared; null if none. */
function firstDifference<S extends DescMessage>(
  schema: S,
  a: MessageShape<S>,
  b: MessageShape<S>,
): string | null {
  if (equals(schema, a, b)) return null;
  const only = (message: MessageShape<S>, name: string): MessageShape<S> => {
    const one: MessageShape<S> = { ...message };
    for (const field of schema.fields) if (field.name !== name) clearField(one, field);
    return one;
  };
  const differing = schema.fields.find(({ name }) => !equals(schema, only(a, name), only(b, name)));
  return differing?.name ?? 'unknown fields';
}

/** What was answered first under a key, as the message it was. */
export function answerIn({ method, answer }: Remembered): Message {
  const { output } = [...CreditService.methods, ...LedgerService.methods].find(
    ({ name }) => name === method,
  )!;
  return fromBinary(output, answer);
}
