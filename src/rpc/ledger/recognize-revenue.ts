import { LedgerService } from '#gen/ledger/v1/ledger_service_pb.ts';
import { formatAmount } from '../../amount.ts';
import type { RecognizeRevenue } from '../../credit/commands/recognize-revenue.ts';
import { amountOf, currencyOf } from '../decode.ts';
import { instantOf } from '../wire.ts';
import { write } from '../write.ts';
import { postingAnswer } from './encode.ts';

export const recognizeRevenue = write(
  LedgerService.method.recognizeRevenue,
  async (request, { currencies }): Promise<RecognizeRevenue> => ({
    kind: 'recognizeRevenue',
    currency: await currencyOf(currencies, request),
    amount: request.amount === '' ? null : (await amountOf(currencies, request)).amount,
    bookedAt: instantOf(request.bookedAt),
  }),
  (decided, request) => {
    const { units, money } = decided.answer.recognition;
    return {
      // Where there was nothing to recognize it has no transaction.
      ...postingAnswer(decided, request, 'RECOGNIZE'),
      units: formatAmount(units),
      money: [...money].map(([currency, paid]) => ({ currency, amount: formatAmount(paid) })),
    };
  },
);
