import { SpanKind, SpanStatusCode, type Span, type Tracer } from '@opentelemetry/api';
import { classify } from '../db/failure.ts';
import type { RoundTrip } from '../db/pipeline.ts';
import { within, type CurrentSpan } from './call-spans.ts';
import type { SpanTime } from './span-time.ts';
import type { Tracing } from './tracing.ts';

/**
 * One span a batch of writes, with a link to each call of it that is traced; it stands in the trace of the first of them.
 * And one span a round trip, in the batch's or the call's it was made for.
 */
export function createDatabaseSpans(
  tracer: Tracer,
  current: CurrentSpan,
  time: SpanTime,
): Pick<Tracing, 'cause' | 'around' | 'roundTrip'> {
  return {
    cause() {
      const span = current.getStore();
      // What a call has set going may go on after it, for others: a round that gathers what is asked, a connection.
      return span?.isRecording() === true ? span : undefined;
    },

    async around(batch, manner, work) {
      const calls = batch.flatMap(({ cause }) => (cause === undefined ? [] : [cause as Span]));
      const [first] = calls;
      // Whoever began the batch is not always a part of it.
      if (first === undefined) return current.run(undefined, work);
      const attributes = { 'credit_ledger.batch.size': batch.length, 'credit_ledger.batch.manner': manner };
      const links = calls.map((call) => ({ context: call.spanContext() }));
      const how = { attributes, links, startTime: time.now() };
      const span = tracer.startSpan('batch of writes', how, within(first));
      try {
        return await current.run(span, work);
      } catch (error) {
        fail(span, error);
        throw error;
      } finally {
        span.end(time.now());
      }
    },

    roundTrip(pool, { cause, statements, sentAt, answeredAt, error }) {
      if (cause === undefined) return;
      const summary = summaryOf(statements);
      const attributes = {
        'db.system.name': 'postgresql',
        'db.query.summary': summary,
        'db.operation.batch.size': statements.length,
        'db.client.connection.pool.name': pool,
      };
      const how = { kind: SpanKind.CLIENT, startTime: time.at(sentAt), attributes };
      const span = tracer.startSpan(summary, how, within(cause as Span));
      if (error !== undefined) fail(span, error);
      span.end(time.at(answeredAt));
    },
  };
}

function fail(span: Span, error: unknown): void {
  span.setAttribute('error.type', classify(error));
  const { code } = error as { code?: unknown };
  if (typeof code === 'string') span.setAttribute('db.response.status_code', code);
  span.setStatus({ code: SpanStatusCode.ERROR });
}

/** As long as the conventions let it be. */
const LONGEST_SUMMARY = 255;

/** The names of the statements that travelled together. */
const summaryOf = (statements: RoundTrip['statements']): string =>
  statements
    .map(({ name }) => name)
    .join(' ')
    .slice(0, LONGEST_SUMMARY);
