import type { ConnectError } from '@connectrpc/connect';
import { codeToHttpStatus } from '@connectrpc/connect/protocol-connect';
import type { Log } from '../../log.ts';
import { isRefusal } from '../../refusal.ts';
import { logRejection } from './access-log.ts';
import { toWireError } from './errors.ts';
import type { CallHead } from './incoming-call.ts';

/** What a call is told that no handler gets; `status` for those who read HTTP's. */
export type Rejection = { readonly answer: ConnectError; readonly status: number };

/** Where HTTP has a status of its own for what is wrong, other than by its gRPC code. */
const STATUSES: Readonly<Record<string, number>> = {
  UNKNOWN_METHOD: 404,
  content_type: 415,
  http_method: 405,
  http_version: 505,
};

export function reject(log: Log, call: CallHead, thrown: unknown): Rejection {
  const answer = toWireError(thrown, call.requestId);
  logRejection(log, call, answer, thrown);
  const refusal = isRefusal(thrown) ? thrown.refusal : undefined;
  const metadata: Readonly<Record<string, string>> = refusal?.metadata ?? {};
  const status = STATUSES[refusal?.reason ?? ''] ?? STATUSES[metadata['rule'] ?? ''];
  if (status === STATUSES['http_method']) answer.metadata.set('allow', 'POST');
  return { answer, status: status ?? codeToHttpStatus(answer.code) };
}
