import type { AsyncLocalStorage } from 'node:async_hooks';
import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Span,
  type TextMapGetter,
  type Tracer,
} from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import type { CallObserver, CallSpan } from '../rpc/call/call-observer.ts';
import { TRACEPARENT, type CallHead } from '../rpc/call/incoming-call.ts';
import { systemOf } from './calls.ts';
import type { SpanTime } from './span-time.ts';

/** The span of the call, or of the batch, that whatever runs is a part of. */
export type CurrentSpan = AsyncLocalStorage<Span | undefined>;

/** One span a call that is traced, a child of the caller's where it says which. */
export function createCallSpans(
  tracer: Tracer,
  current: CurrentSpan,
  time: SpanTime,
): Pick<CallObserver, 'began' | 'ended'> {
  return {
    began({ name, right }, call) {
      // Load balancers ask every second how this process is.
      if (right === null) return undefined;
      const attributes = {
        'rpc.system.name': systemOf(call.protocol),
        'rpc.method': name,
      };
      const how = { kind: SpanKind.SERVER, attributes, startTime: time.now() };
      const span = tracer.startSpan(name, how, contextOf(call));
      return span.isRecording() ? new SpanOfCall(span, current) : undefined;
    },
    ended({ span: own, requestId }, code, reason) {
      if (!(own instanceof SpanOfCall)) return;
      const { span } = own;
      span.setAttribute('rpc.response.status_code', code);
      span.setAttribute('credit_ledger.request_id', requestId);
      if (code !== 'OK') span.setAttribute('error.type', reason ?? code);
      if (OUR_FAULT.has(code)) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end(time.now());
    },
  };
}

/** The codes that are a server's errors, as the conventions have it; all others are the caller's business. */
const OUR_FAULT: ReadonlySet<string> = new Set([
  'UNKNOWN',
  'DEADLINE_EXCEEDED',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
]);

class SpanOfCall implements CallSpan {
  readonly span: Span;
  readonly #current: CurrentSpan;

  constructor(span: Span, current: CurrentSpan) {
    this.span = span;
    this.#current = current;
  }

  get traceId(): string {
    return this.span.spanContext().traceId;
  }

  get traceparent(): string {
    const { traceId, spanId, traceFlags } = this.span.spanContext();
    return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
  }

  run<T>(work: () => T): T {
    return this.#current.run(this.span, work);
  }
}

type Headed = Pick<CallHead, 'header'>;

const propagator = new W3CTraceContextPropagator();

const HEADERS: TextMapGetter<Headed> = {
  get: ({ header }, name) => header(name),
  keys: () => propagator.fields(),
};

const contextOf = (call: Headed) =>
  call.header(TRACEPARENT) === undefined ? ROOT_CONTEXT : propagator.extract(ROOT_CONTEXT, call, HEADERS);

/** In which a span's children are made. */
export const within = (span: Span) => trace.setSpan(ROOT_CONTEXT, span);
