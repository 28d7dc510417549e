import type { MessageInitShape } from '@bufbuild/protobuf';
import { verify as run, type Progress, type Summary } from '../../verify/verify.ts';
import type { Finding } from '../../verify/finding.ts';
import type { LedgerService } from '#gen/ledger/v1/ledger_service_pb.ts';
import { FindingKind, VerifyVerdict, type VerifyResponseSchema } from '#gen/ledger/v1/verify_pb.ts';
import type { Handler } from '../handler.ts';
import { enumOf, namespaceOf, textOf, timestampOf } from '../wire.ts';
import { createOutbox } from './verify-outbox.ts';

type Response = MessageInitShape<typeof VerifyResponseSchema>;

/** Verifies a book or a namespace; TOO_MANY_WATCHES while this process is busy with as many as it takes. */
export const verify: Handler<typeof LedgerService.method.verify> = async function* (
  request,
  deps,
  { signal },
) {
  const leave = deps.verifications.enter();
  const left = new AbortController();
  const outbox = createOutbox(deps.clock);
  const owner = { namespace: namespaceOf(request), customerId: textOf(request.customerId) };
  const stop = AbortSignal.any([signal, left.signal]);
  // It has ended when its last statement has, not when nobody reads any more.
  const work = run(deps, owner, outbox.listener, stop).finally(leave);
  try {
    for await (const told of outbox.messages(work)) yield encode(told);
  } finally {
    left.abort();
    outbox.close();
  }
};

function encode(told: Progress | Summary | { customerId: string; finding: Finding }): Response {
  if ('finding' in told)
    return { event: { case: 'finding', value: findingOf(told.customerId, told.finding) } };
  if ('booksTotal' in told) {
    const { booksDone, booksTotal, transactions } = told;
    const value = {
      booksDone: BigInt(booksDone),
      booksTotal: BigInt(booksTotal),
      transactions: BigInt(transactions),
    };
    return { event: { case: 'progress', value } };
  }
  const { verdict, books, transactions, entries, findings, knownAt } = told;
  const value = {
    books: BigInt(books),
    transactions: BigInt(transactions),
    entries: BigInt(entries),
    findings: BigInt(findings),
    knownAt: timestampOf(knownAt),
    verdict: enumOf(VerifyVerdict, verdict),
  };
  return { event: { case: 'summary', value } };
}

const findingOf = (customerId: string, { kind, version, ...finding }: Finding) => ({
  ...finding,
  customerId,
  kind: enumOf(FindingKind, kind),
  version: BigInt(version),
});
