import { createLog, type Log } from '../../src/log.ts';
import { startTelemetry, type Telemetry, type TelemetryOptions } from '../../src/telemetry/start.ts';
import { scrape, type Scrape } from './scrape.ts';
import { testService } from './service.ts';

/** A service that is looked at: its metrics on a free port of this machine, and, if asked for, its traces. */
export async function observedService(
  databaseUrl: string,
  options: Parameters<typeof testService>[1] & { readonly traces?: TelemetryOptions['traces'] } = {},
) {
  const { traces = null, ...rest } = options;
  const telemetry = await observing({ traces, log: rest.log ?? createLog('silent') });
  const service = await testService(databaseUrl, { ...rest, telemetry });
  return {
    ...service,
    telemetry,
    metrics: (): Promise<Scrape> => scrape(telemetry.metricsUrl!),
    async stop() {
      await service.stop();
      await telemetry.close();
    },
  };
}

const observing = async (more: { readonly traces: TelemetryOptions['traces']; readonly log: Log }) =>
  (await startTelemetry({ ...more, metrics: { host: '127.0.0.1', port: 0, isWanted: true } })) as Telemetry;
