import {
  clearField,
  create,
  equals,
  fromBinary,
  toBinary,
  type DescMessage,
  type Message,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf';
import type { BookKey } from '../tables/book-key.ts';
import type { Decided, Submission } from '../write/submission.ts';
import type { Command } from '../credit/command.ts';
import type { CallContext } from './call/context.ts';
import { encodeOnce } from './encode-once.ts';
import { meaningOf } from './meaning.ts';

/** Who asks and how often is not what is asked: two requests that differ only here are the same. */
const NOT_CONTENT: ReadonlySet<string> = new Set(['namespace', 'customer_id', 'idempotency_key']);

type Repeatable = Message & { readonly idempotencyKey: string };

/**
 * A write as the write path takes it: the command, and the request's and answer's bytes by which a repeat of its key is
 * recognized, by what it means, and answered.
 */
export function repeatable<
  C extends Command,
  Request extends DescMessage,
  Response extends DescMessage,
>(call: {
  readonly method: string;
  readonly input: Request;
  readonly output: Response;
  readonly request: MessageShape<Request> & Repeatable;
  readonly key: BookKey;
  readonly command: C;
  readonly context: CallContext;
  readonly respond: (decided: Decided<C>) => MessageInitShape<Response>;
}): Submission<C, MessageShape<Response>> {
  const { input, output, request, key, command, context, respond } = call;
  return {
    key,
    command,
    idempotencyKey: request.idempotencyKey === '' ? null : request.idempotencyKey,
    content: () => toBinary(input, contentOf(input, request), { writeUnknownFields: false }),
    differsFrom: (stored) =>
      firstDifference(
        input,
        meaningOf(input, fromBinary(input, stored)),
        meaningOf(input, contentOf(input, request)),
      ),
    reply: {
      respond: (decided) => create(output, respond(decided)),
      encode: (message) => encodeOnce(output, message),
      replay: (stored) => Object.assign(fromBinary(output, stored), { replayed: true }),
    },
    deadline: context.deadlineMs ?? null,
  };
}

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
