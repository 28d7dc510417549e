import type { RequestListener } from 'node:http';
import type { Readiness, Unready } from '../live/readiness.ts';
import type { Pages } from './transport/connect-transport.ts';

/** What whoever asks why is told. The log knows more; here anybody may ask. */
const WORDS: Readonly<Record<Unready, string>> = {
  STARTING: 'this instance does not serve yet: it waits for its database, or migrates it',
  DATABASE_UNAVAILABLE: 'the database has not answered for some seconds',
  DATABASE_READ_ONLY: 'the database takes no writes: it is a standby, or was set read-only',
  SHUTTING_DOWN: 'this instance is shutting down',
};

/**
 * What load balancers and Kubernetes ask over HTTP/1.1, without a token: `/readyz`, whether to send calls here, and
 * `/livez`, whether the process runs at all, which asks for nothing but that it can answer.
 */
export const probePages = (readiness: Pick<Readiness, 'unready'>): Pages => ({
  readyz: json(() => {
    const reason = readiness.unready();
    return reason === null
      ? { status: 200, body: { ready: true } }
      : { status: 503, body: { ready: false, reason, message: WORDS[reason] } };
  }),
  livez: json(() => ({ status: 200, body: { alive: true } })),
});

const json =
  (answer: () => { readonly status: number; readonly body: object }): RequestListener =>
  (_request, response) => {
    const { status, body } = answer();
    response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
  };
