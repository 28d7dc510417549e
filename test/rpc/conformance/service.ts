import type { Message, MessageInitShape, Registry } from '@bufbuild/protobuf';
import type { DescMessage, DescService } from '@bufbuild/protobuf';
import { anyPack, type Any } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, type HandlerContext, type ServiceImpl } from '@connectrpc/connect';
import { pause } from '../../../src/db/clock.ts';

/** What the conformance suite wants answered; its protos say how. Its messages are known by their descriptors alone. */

const PACKAGE = 'connectrpc.conformance.v1';

/** A unary call ends after a minute, whether its caller asks for that or not; the suite asks for less. */
const NOBODY_ASKED_MS = 50_000;

type Header = { readonly name: string; readonly value: readonly string[] };
type WantedError = { readonly code: Code; readonly message?: string; readonly details: readonly Any[] };
type Wanted = {
  readonly responseHeaders: readonly Header[];
  readonly responseTrailers: readonly Header[];
  readonly responseDelayMs: number;
};
type OneWanted = Wanted & {
  readonly response:
    | { readonly case: 'responseData'; readonly value: Uint8Array }
    | { readonly case: 'error'; readonly value: WantedError }
    | { readonly case: undefined };
};
type SeveralWanted = Wanted & { readonly responseData: readonly Uint8Array[]; readonly error?: WantedError };
type OneAsked = Message & { readonly responseDefinition?: OneWanted };
type SeveralAsked = Message & { readonly responseDefinition?: SeveralWanted };
type BothWaysAsked = SeveralAsked & { readonly fullDuplex: boolean };

type Answer = MessageInitShape<DescMessage>;

export function conformanceService(registry: Registry): {
  readonly service: DescService;
  readonly implementation: ServiceImpl<DescService>;
} {
  const service = registry.getService(`${PACKAGE}.ConformanceService`)!;
  const infoSchema = registry.getMessage(`${PACKAGE}.ConformancePayload.RequestInfo`)!;
  const pack = (message: Message) => anyPack(registry.getMessage(message.$typeName)!, message);

  const infoOf = (context: HandlerContext, requests: readonly Message[]) => {
    const timeoutMs = context.timeoutMs();
    const query = [...new URL(context.url).searchParams];
    return {
      requestHeaders: [...context.requestHeader].map(([name, value]) => ({ name, value: [value] })),
      requests: requests.map(pack),
      ...(timeoutMs !== undefined &&
        timeoutMs < NOBODY_ASKED_MS && { timeoutMs: BigInt(Math.round(timeoutMs)) }),
      ...(context.requestMethod === 'GET' && {
        connectGetInfo: { queryParams: query.map(([name, value]) => ({ name, value: [value] })) },
      }),
    };
  };
  type Info = ReturnType<typeof infoOf>;

  const failureOf = ({ code, message, details }: WantedError, info?: Info) => {
    const failure = new ConnectError(message ?? '', code);
    failure.details = [
      ...details.map(({ typeUrl, value }) => ({ type: typeUrl.split('/').at(-1)!, value })),
      ...(info === undefined ? [] : [{ desc: infoSchema, value: info }]),
    ];
    return failure;
  };

  const one = (request: OneAsked, context: HandlerContext): Promise<Answer> =>
    answerTo(request.responseDefinition, [request], context);

  async function answerTo(
    wanted: OneWanted | undefined,
    requests: readonly Message[],
    context: HandlerContext,
  ): Promise<Answer> {
    const requestInfo = infoOf(context, requests);
    tellHeaders(wanted, context);
    await pause(wanted?.responseDelayMs ?? 0, context.signal);
    if (wanted?.response.case === 'error') throw failureOf(wanted.response.value, requestInfo);
    return { payload: { requestInfo, data: dataOf(wanted) } };
  }

  /** The answers from the `first` on; the first of all tells what was asked. */
  async function* several(
    wanted: SeveralWanted | undefined,
    context: HandlerContext,
    info: Info,
    first = 0,
  ): AsyncGenerator<Answer> {
    const { responseData = [], responseDelayMs = 0, error } = wanted ?? {};
    for (const [i, data] of responseData.entries()) {
      if (i < first) continue;
      await pause(responseDelayMs, context.signal);
      yield { payload: { data, ...(i === 0 && { requestInfo: info }) } };
    }
    if (error !== undefined) throw failureOf(error, responseData.length === 0 ? info : undefined);
  }

  async function* stream(request: SeveralAsked, context: HandlerContext): AsyncGenerator<Answer> {
    tellHeaders(request.responseDefinition, context);
    yield* several(request.responseDefinition, context, infoOf(context, [request]));
  }

  async function* bothWays(asked: AsyncIterable<Message>, context: HandlerContext): AsyncGenerator<Answer> {
    const all: Message[] = [];
    let wanted: SeveralWanted | undefined;
    let isFullDuplex = false;
    let answered = 0;
    for await (const request of asked as AsyncIterable<BothWaysAsked>) {
      if (all.length === 0) {
        wanted = request.responseDefinition;
        isFullDuplex = request.fullDuplex;
        tellHeaders(wanted, context);
      }
      all.push(request);
      if (!isFullDuplex) continue;
      const data = wanted?.responseData[answered];
      if (data === undefined) break;
      await pause(wanted?.responseDelayMs ?? 0, context.signal);
      const requestInfo = answered === 0 ? infoOf(context, [request]) : { requests: [pack(request)] };
      answered += 1;
      yield { payload: { data, requestInfo } };
    }
    yield* several(wanted, context, infoOf(context, all), answered);
  }

  async function fromMany(asked: AsyncIterable<Message>, context: HandlerContext): Promise<Answer> {
    const all: OneAsked[] = [];
    for await (const request of asked as AsyncIterable<OneAsked>) all.push(request);
    return answerTo(all[0]?.responseDefinition, all, context);
  }

  return {
    service,
    implementation: {
      unary: one,
      idempotentUnary: one,
      unimplemented: () => {
        throw new ConnectError('not implemented', Code.Unimplemented);
      },
      clientStream: fromMany,
      serverStream: stream,
      bidiStream: bothWays,
    } as unknown as ServiceImpl<DescService>,
  };
}

const dataOf = (wanted: OneWanted | undefined) =>
  wanted?.response.case === 'responseData' ? wanted.response.value : new Uint8Array();

function tellHeaders(wanted: Wanted | undefined, { responseHeader, responseTrailer }: HandlerContext): void {
  const tell = (headers: Headers, all: readonly Header[] = []) => {
    for (const { name, value } of all) for (const each of value) headers.append(name, each);
  };
  tell(responseHeader, wanted?.responseHeaders);
  tell(responseTrailer, wanted?.responseTrailers);
}
