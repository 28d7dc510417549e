import type { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import { askedOf } from '../decode.ts';
import type { Handler } from '../handler.ts';
import { momentFacts } from '../wire.ts';
import { encodeBalance } from './encode.ts';
import { figuresOf } from './figures.ts';

export const getBalance: Handler<typeof CreditService.method.getBalance> = async (request, deps, context) => {
  const figures = await figuresOf(deps.currencies, request);
  const { view, balances } = await deps.balances.get({ ...askedOf(request), ...figures }, context.signal);
  return { balances: balances.map(encodeBalance), ...momentFacts(view) };
};
