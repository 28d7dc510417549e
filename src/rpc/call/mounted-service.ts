import type {
  DescMessage,
  DescMethod,
  DescMethodBiDiStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  DescService,
  Message,
  MessageInitShape,
  MessageShape,
} from '@bufbuild/protobuf';
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import { RefusalError } from '../../refusal.ts';
import type { CallContext } from './context.ts';

type Unary<I extends DescMessage, O extends DescMessage> = (
  request: MessageShape<I>,
  context: CallContext,
) => Promise<MessageInitShape<O>>;

type ServerStream<I extends DescMessage, O extends DescMessage> = (
  request: MessageShape<I>,
  context: CallContext,
) => AsyncIterable<MessageInitShape<O>>;

type BidiStream<I extends DescMessage, O extends DescMessage> = (
  requests: AsyncIterable<MessageShape<I>>,
  context: CallContext,
) => AsyncIterable<MessageInitShape<O>>;

/** The function that answers one RPC. It may return a plain init shape instead of a message. */
export type Handler<M extends DescMethod> =
  M extends DescMethodUnary<infer I, infer O>
    ? Unary<I, O>
    : M extends DescMethodServerStreaming<infer I, infer O>
      ? ServerStream<I, O>
      : M extends DescMethodBiDiStreaming<infer I, infer O>
        ? BidiStream<I, O>
        : never;

/** One handler for every RPC of a service, by its lowerCamelCase name. */
export type Implementation<S extends DescService> = {
  readonly [P in keyof S['method']]: Handler<S['method'][P]>;
};

type MethodOf<Kind extends DescMethod['methodKind'], H> = {
  readonly kind: Kind;
  readonly descriptor: DescMethod;
  /** `credit.v1.CreditService/GetBalance`, as logs and errors name it. */
  readonly name: string;
  /** Needs no token: health and reflection. */
  readonly isPublic: boolean;
  readonly handler: H;
};

export type UnaryMethod = MethodOf<
  'unary',
  (request: Message, context: CallContext) => Promise<MessageInitShape<DescMessage>>
>;
export type ServerStreamMethod = MethodOf<
  'server_streaming',
  (request: Message, context: CallContext) => AsyncIterable<MessageInitShape<DescMessage>>
>;
export type BidiStreamMethod = MethodOf<
  'bidi_streaming',
  (requests: AsyncIterable<Message>, context: CallContext) => AsyncIterable<MessageInitShape<DescMessage>>
>;
export type MountedMethod = UnaryMethod | ServerStreamMethod | BidiStreamMethod;

/** A service with its handlers, ready for any transport. */
export type MountedService = {
  readonly service: DescService;
  readonly methods: readonly MountedMethod[];
};

/**
 * Pairs a service with its implementation.
 * This is the one place where the types of single RPCs are erased; the descriptor keeps them true.
 */
export function mount<S extends DescService>(
  service: S,
  implementation: Implementation<S>,
  options: { readonly isPublic?: boolean } = {},
): MountedService {
  const handlers = implementation as Readonly<Record<string, unknown>>;
  const methods = service.methods.map((descriptor) => {
    const name = `${service.typeName}/${descriptor.name}`;
    const handler = handlers[descriptor.localName];
    if (typeof handler !== 'function') throw new TypeError(`${name} has no handler`);
    if (descriptor.methodKind === 'client_streaming')
      throw new TypeError(`${name}: client streaming is not supported by the middleware`);
    const isPublic = options.isPublic ?? false;
    return { kind: descriptor.methodKind, descriptor, name, isPublic, handler } as MountedMethod;
  });
  return { service, methods };
}

/** Whether the proto declares it NO_SIDE_EFFECTS: it may be asked by GET, and with a token that may only read. */
export const changesNothing = ({ descriptor }: MountedMethod): boolean =>
  descriptor.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;

const LONGEST_NAME = 256;

/** `path` is what was asked for, without the slash in front. */
export function unknownMethod(path: string): RefusalError {
  const method = path.slice(0, LONGEST_NAME);
  return new RefusalError({
    reason: 'UNKNOWN_METHOD',
    message: `there is no RPC at /${method}`,
    metadata: { method },
  });
}
