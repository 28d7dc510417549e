import { AsyncLocalStorage } from 'node:async_hooks';
import { diag, DiagLogLevel, type DiagLogger } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import {
  defaultResource,
  detectResources,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceNameEnvDetector,
} from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
  type Sampler,
} from '@opentelemetry/sdk-trace';
import { pause } from '../db/clock.ts';
import type { Log } from '../log.ts';
import { createCallSpans, type CurrentSpan } from './call-spans.ts';
import { createDatabaseSpans } from './database-spans.ts';
import { createSpanTime } from './span-time.ts';
import type { Sampling, Tracing } from './tracing.ts';

/** How long the end of the process waits for a collector to take the last spans. */
const LAST_SPANS_MS = 3_000;

/** A batch of writes has as many links as calls. */
const MOST_LINKS = 1_000;

/**
 * Makes spans by OpenTelemetry's SDK and sends them by OTLP, as its own variables say: where to, with which headers, as
 * which service. Loaded only where a place to send them to is set. Calls alone begin traces: what is done for none that
 * the sampler takes is not traced.
 */
export function startTracing(sampling: Sampling, log: Log): Tracing {
  diag.setLogger(diagnosticsIn(log), { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  const provider = new TracerProvider({
    sampler: samplerOf(sampling),
    spanLimits: { linkCountLimit: MOST_LINKS },
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': 'credit-ledger' }))
      .merge(detectResources({ detectors: [resourceAttributesEnvDetector, serviceNameEnvDetector] })),
    spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter() })],
  });
  const tracer = provider.getTracer('credit-ledger');
  const current: CurrentSpan = new AsyncLocalStorage();
  const time = createSpanTime();
  return {
    ...createCallSpans(tracer, current, time),
    ...createDatabaseSpans(tracer, current, time),
    async close() {
      const isOver = new AbortController();
      const sent = provider
        .shutdown()
        .catch((err: unknown) => log.warn({ err }, 'the last spans could not be sent'))
        .finally(() => isOver.abort());
      await Promise.race([sent, pause(LAST_SPANS_MS, isOver.signal)]);
    },
  };
}

function samplerOf({ sampler, ratio }: Sampling): Sampler {
  switch (sampler) {
    case 'always_on':
      return new AlwaysOnSampler();
    case 'always_off':
      return new AlwaysOffSampler();
    case 'traceidratio':
      return new TraceIdRatioBasedSampler(ratio);
    case 'parentbased_always_on':
    case 'parentbased_always_off':
    case 'parentbased_traceidratio': {
      const root = sampler.slice('parentbased_'.length) as Sampling['sampler'];
      return new ParentBasedSampler({ root: samplerOf({ sampler: root, ratio }) });
    }
  }
}

/** What the SDK has to say: that nobody takes its spans, for one. */
function diagnosticsIn(log: Log): DiagLogger {
  const warn = (said: string) => log.warn({ said }, 'traces');
  return { error: warn, warn, info: () => {}, debug: () => {}, verbose: () => {} };
}
