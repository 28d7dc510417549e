/**
 * What a database error means for the caller, classified here once:
 * `conflict` – the transaction did not happen and may be tried again at once;
 * `unavailable` – no connection, or lost: whether the transaction happened is unknown, its key settles it;
 * `fault` – the database refused what was asked of it: a bug of ours, or data it cannot hold.
 */
export type Failure = 'conflict' | 'unavailable' | 'fault';

// A row that is there already is none of them: rows of a book are written under its lock, so nobody was faster.
const CONFLICTS = new Set(['40001', '40P01', '55P03']);
// Classes: connection exceptions, insufficient resources, operator intervention; read-only during a failover.
const UNAVAILABLE = ['08', '53', '57', '25006'];
const LOST = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOENT',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'ENOTFOUND',
]);

export function classify(error: unknown): Failure {
  if (!(error instanceof Error)) return 'fault';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (CONFLICTS.has(code)) return 'conflict';
  if (LOST.has(code) || UNAVAILABLE.some((prefix) => code.startsWith(prefix))) return 'unavailable';
  // pg reports a lost or unobtainable connection as a plain Error without a code.
  const lost =
    /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered|Cannot use a pool)/;
  return code === '' && lost.test(error.message) ? 'unavailable' : 'fault';
}
