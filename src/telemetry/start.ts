import type { Instant } from '../instant.ts';
import type { Readiness } from '../live/readiness.ts';
import type { Log } from '../log.ts';
import { probePages } from '../rpc/probe-pages.ts';
import { createBatchMetrics } from './batches.ts';
import { createCallMetrics } from './calls.ts';
import { createExposition } from './exposition.ts';
import { certificateGauges, credentialsGauges, embeddedGauges, gaugesOf } from './gauges.ts';
import { serveMetrics, type MetricsAddress, type MetricsServer } from './metrics-server.ts';
import { observersOf, type Observers } from './observers.ts';
import { createRoundTripMetrics } from './round-trips.ts';
import type { EmbeddedState, Sources } from './sources.ts';
import type { Sampling } from './tracing.ts';

/** All that is seen of a service: what it tells as it works, and whom to ask how it stands. */
export type Telemetry = Observers & {
  /** From now on the metrics tell how these stand. */
  watch(sources: Sources): void;
  watchEmbedded(stateOf: () => EmbeddedState): void;
  watchCertificate(validUntil: () => Instant): void;
  watchCredentials(isBroken: () => boolean): void;
  /** Where the metrics are; undefined: nowhere. */
  readonly metricsUrl: string | undefined;
  close(): Promise<void>;
};

export type TelemetryOptions = {
  /** Where metrics are served; null: nowhere. */
  readonly metrics: MetricsAddress | null;
  /** Which calls are traced; null: none, and nothing that traces is loaded. */
  readonly traces: Sampling | null;
  readonly log: Log;
};

/**
 * Begins to serve metrics and to send traces; undefined where neither is asked for, and then nothing is measured.
 * @throws StartError where the port of the metrics is wanted, and nobody can listen there.
 */
export async function startTelemetry(options: TelemetryOptions): Promise<Telemetry | undefined> {
  const { metrics, traces, log } = options;
  if (metrics === null && traces === null) return undefined;
  const exposition = createExposition();
  let readiness: Pick<Readiness, 'unready'> = { unready: () => 'STARTING' };
  const pages = probePages({ unready: () => readiness.unready() });
  const serve = () => serveMetrics(metrics!, exposition, pages, log);
  const server = metrics === null ? undefined : await unlessTaken(serve, metrics.isWanted, log);
  const tracing = traces === null ? undefined : (await import('./traces.ts')).startTracing(traces, log);
  const measured = {
    calls: createCallMetrics(),
    batches: createBatchMetrics(),
    roundTrips: createRoundTripMetrics(),
  };
  for (const { families } of Object.values(measured)) exposition.add(families);
  return {
    ...observersOf(measured, tracing),
    watch(sources) {
      const methods = sources.services.flatMap(({ rpcs }) => rpcs.map(({ name }) => name));
      measured.calls.serves(methods);
      exposition.add(gaugesOf(sources));
      readiness = sources.readiness;
    },
    watchEmbedded: (stateOf) => exposition.add(embeddedGauges(stateOf)),
    watchCertificate: (validUntil) => exposition.add(certificateGauges(validUntil)),
    watchCredentials: (isBroken) => exposition.add(credentialsGauges(isBroken)),
    metricsUrl: server?.url,
    async close() {
      await Promise.all([server?.close(), tracing?.close()]);
    },
  };
}

/** The port that is taken unless another is set is no reason not to start: a second instance may well have it. */
async function unlessTaken(
  serve: () => Promise<MetricsServer>,
  isWanted: boolean,
  log: Log,
): Promise<MetricsServer | undefined> {
  try {
    return await serve();
  } catch (error) {
    if (isWanted) throw error;
    log.warn({ why: (error as Error).message }, 'no metrics are served');
    return undefined;
  }
}
