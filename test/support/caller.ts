import { call, type CallError, type CallResult, type Json } from './service.ts';

const LEDGER_RPCS = new Set([
  'ListAccounts',
  'GetAccount',
  'GetAccountBalance',
  'GetTrialBalance',
  'GetTransaction',
  'ListTransactions',
  'ListEntries',
  'PostTransaction',
  'ReverseTransaction',
  'RecognizeRevenue',
]);

/** Somebody who calls one instance of the service, as curl would. */
export type Caller = {
  /** What an RPC answers; fails the test when it is refused. */
  answer(rpc: string, request: object): Promise<Json>;
  /** Why an RPC is refused; fails the test when it is not. */
  refusal(rpc: string, request: object): Promise<CallError>;
  /** Either, for tests that expect some of each. */
  result(rpc: string, request: object): Promise<CallResult>;
};

/** `headers` are asked for with each call. */
export function callerOf(
  { url }: { readonly url: string },
  headers: () => Readonly<Record<string, string>> = () => ({}),
): Caller {
  const result = (rpc: string, request: object) =>
    call(
      url,
      `${LEDGER_RPCS.has(rpc) ? 'ledger.v1.LedgerService' : 'credit.v1.CreditService'}/${rpc}`,
      request,
      headers(),
    );
  return {
    result,
    async answer(rpc, request) {
      const outcome = await result(rpc, request);
      if (outcome.ok) return outcome.answer;
      throw new Error(
        `${rpc} was refused: ${outcome.error.code} ${outcome.error.reason}: ${outcome.error.message}`,
      );
    },
    async refusal(rpc, request) {
      const outcome = await result(rpc, request);
      if (!outcome.ok) return outcome.error;
      throw new Error(`${rpc} was to be refused, and answered ${JSON.stringify(outcome.answer)}`);
    },
  };
}
