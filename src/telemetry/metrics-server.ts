import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Log } from '../log.ts';
import { explainListening, urlOf, type Address } from '../rpc/transport/address.ts';
import type { Pages } from '../rpc/transport/connect-transport.ts';
import type { Exposition } from './exposition.ts';

/** `isWanted`: somebody has said so, and the service is not to go without. */
export type MetricsAddress = Address & { readonly isWanted: boolean };

export type MetricsServer = {
  /** Such as `http://127.0.0.1:9464/metrics`. */
  readonly url: string;
  close(): Promise<void>;
};

/** Whoever asks is a machine of ours, and few of them: more at once are turned away. */
const MOST_CONNECTIONS = 32;

/** A scrape that takes longer to be asked for than this is none. */
const REQUEST_MS = 5_000;

/**
 * Answers `GET /metrics`, on a port of its own: who may read how the service is doing is not who may call it. It answers
 * `pages`, too: probes that need no certificate, whatever the port of calls asks of its callers.
 * @throws StartError where nobody can listen there.
 */
export async function serveMetrics(
  address: Address,
  exposition: Exposition,
  pages: Pages,
  log: Log,
): Promise<MetricsServer> {
  const server = createServer(
    { requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS },
    (request, response) => {
      const say = (status: number, body: string, type = 'text/plain; charset=utf-8') =>
        void response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body);
      const isRead = request.method === 'GET' || request.method === 'HEAD';
      const path = request.url?.split('?', 1)[0]?.slice(1) ?? '';
      if (isRead && Object.hasOwn(pages, path)) return pages[path]!(request, response);
      if (path !== 'metrics' || !isRead) return say(404, 'Metrics are at GET /metrics.\n');
      exposition.text().then(
        (text) => say(200, text, exposition.contentType),
        (err: unknown) => {
          log.error({ err }, 'the metrics could not be read');
          say(500, 'The metrics could not be read: the log of the service says why.\n');
        },
      );
    },
  );
  server.maxConnections = MOST_CONNECTIONS;
  server.listen(address.port, address.host);
  await once(server, 'listening').catch((error: unknown) => {
    throw explainListening(error, address, 'CREDIT_LEDGER_METRICS');
  });
  server.unref();
  return {
    url: `${urlOf('http', server.address() as AddressInfo)}/metrics`,
    async close() {
      const closed = once(server, 'close');
      server.close();
      // Nothing that is asked here is worth waiting for.
      server.closeAllConnections();
      await closed;
    },
  };
}
