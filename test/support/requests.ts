import { formatAmount } from '../../src/amount.ts';
import type { Command } from '../../src/credit/command.ts';
import type { CreateGrant } from '../../src/credit/commands/create-grant.ts';
import { NEVER, type Instant } from '../../src/instant.ts';
import type { ManualEntry } from '../../src/ledger/manual-rules.ts';

/**
 * Requests that name only what a test is about; everything else is the plainest there is: Ada, 100 USD of promotional
 * credit, a spend of 10.
 */

/** An instant as the wire's JSON spells it. */
export const at = (instant: Instant): string => new Date(instant).toISOString();

export const grantRequest = (given: object = {}): object => ({
  customerId: 'ada',
  name: 'a grant',
  currency: 'USD',
  amount: '100',
  ...given,
});

export const spendRequest = (given: object = {}): object => ({
  customerId: 'ada',
  currency: 'USD',
  amount: '10',
  ...given,
});

/** A fee of 10 USD by hand: from cash to brokerage. */
export const postRequest = (given: object = {}): object => ({
  customerId: 'ada',
  entries: [
    { accountType: 'ACCOUNT_TYPE_WASH', currency: 'USD', amount: '-10' },
    { accountType: 'ACCOUNT_TYPE_BROKERAGE', currency: 'USD', amount: '10' },
  ],
  ...given,
});

export const CREDIT_ONLY = { settlementMode: 'SETTLEMENT_MODE_CREDIT_ONLY' };

/** A command of a random history as the RPC and the request that ask for it; ids of what it makes are the service's. */
export function requestFor(command: Command, customerId: string): { rpc: string; request: object } {
  const asks = (rpc: string, request: object) => ({ rpc, request: { customerId, ...request } });
  switch (command.kind) {
    case 'createGrant':
      return asks('CreateGrant', grantOf(command));
    case 'voidGrant': {
      const { grantId, paymentAdjustment } = command;
      return asks('VoidGrant', { grantId, paymentAdjustment: `PAYMENT_ADJUSTMENT_${paymentAdjustment}` });
    }
    case 'rescheduleGrant': {
      const { grantId, effectiveAt, expiresAt } = command;
      const never = expiresAt === NEVER;
      const expiry = never ? { neverExpires: true } : { expiresAt: instant(expiresAt) };
      return asks('RescheduleGrant', { grantId, effectiveAt: instant(effectiveAt), ...expiry });
    }
    case 'updateSettlement': {
      const { grantId, status, occurredAt } = command;
      const event = { status: `SETTLEMENT_STATUS_${status}`, occurredAt: instant(occurredAt) };
      return asks('UpdateGrantSettlement', { grantId, ...event });
    }
    case 'consume':
      return asks('ConsumeCredits', { ...use(command), bookedAt: instant(command.bookedAt) });
    case 'createCharge': {
      const { type, startsAt, holdExpiresAt, requireLive } = command;
      const times = { startsAt: instant(startsAt), holdExpiresAt: instant(holdExpiresAt) };
      return asks('CreateCharge', { ...use(command), type: `CHARGE_TYPE_${type}`, ...times, requireLive });
    }
    case 'adjustUp': {
      const { currency, amount, featureKeys } = command;
      return asks('CreateAdjustment', { currency, amount: formatAmount(amount), featureKeys });
    }
    case 'adjustDown': {
      const { currency, amount, featureKey } = command;
      return asks('CreateAdjustment', {
        currency,
        amount: formatAmount(-amount),
        featureKey: featureKey ?? undefined,
      });
    }
    case 'updateCharge':
    case 'collectCharge':
    case 'correctCharge':
    case 'cancelCharge':
      return changeOfCharge(command, asks);
    case 'recognizeRevenue': {
      const { currency, amount, bookedAt } = command;
      const asked = amount === null ? undefined : formatAmount(amount);
      return asks('RecognizeRevenue', { currency, amount: asked, bookedAt: instant(bookedAt) });
    }
    case 'postManually': {
      const { bookedAt, reason } = command;
      const entries = command.entries.map(postingEntry);
      return asks('PostTransaction', { entries, reason, bookedAt: instant(bookedAt) });
    }
    case 'reverseManually':
    case 'bookDue':
      throw new Error(`no random history asks for ${command.kind}`);
  }
}

type ChangeOfCharge = Extract<
  Command,
  { kind: 'updateCharge' | 'collectCharge' | 'correctCharge' | 'cancelCharge' }
>;
type Asks = (rpc: string, request: object) => { rpc: string; request: object };

function changeOfCharge(command: ChangeOfCharge, asks: Asks): { rpc: string; request: object } {
  switch (command.kind) {
    case 'updateCharge': {
      const { chargeId, amount, sequence } = command;
      return asks('UpdateCharge', {
        chargeId,
        amount: formatAmount(amount),
        sequence: sequence?.toString(),
      });
    }
    case 'collectCharge': {
      const { chargeId, amount, bookedAt, finalize } = command;
      const asked = amount === null ? undefined : formatAmount(amount);
      return asks('CollectCharge', { chargeId, amount: asked, bookedAt: instant(bookedAt), finalize });
    }
    case 'correctCharge':
      return asks('CorrectCharge', { chargeId: command.chargeId, amount: formatAmount(command.amount) });
    case 'cancelCharge':
      return asks('CancelCharge', { chargeId: command.chargeId });
  }
}

const postingEntry = ({ account, amount }: ManualEntry): object => ({
  accountType: `ACCOUNT_TYPE_${account.type}`,
  currency: account.currency,
  amount: formatAmount(amount),
  route: {
    costBasis: account.costBasis === null ? undefined : formatAmount(account.costBasis),
    stage: account.stage === null ? undefined : `RECEIVABLE_STAGE_${account.stage}`,
  },
});

/** Left out where it is to default. */
const instant = (of: Instant | null): string | undefined => (of === null ? undefined : at(of));

const use = (of: Extract<Command, { kind: 'consume' | 'createCharge' }>): object => ({
  currency: of.currency,
  amount: formatAmount(of.amount),
  featureKey: of.featureKey ?? undefined,
  settlementMode: `SETTLEMENT_MODE_${of.mode}`,
});

function grantOf({ terms, initialStatus, expiry, ...command }: CreateGrant): object {
  const { currency, amount, priority, featureKeys, effectiveAt } = command;
  const paid = {
    method: `FUNDING_METHOD_${terms.method}`,
    perUnitCostBasis: formatAmount(terms.costBasis),
    availabilityPolicy: `AVAILABILITY_POLICY_${terms.policy}`,
    purchaseCurrency: terms.purchaseCurrency,
    ...(initialStatus !== null && { initialSettlementStatus: `SETTLEMENT_STATUS_${initialStatus}` }),
  };
  return {
    name: 'a grant',
    currency,
    amount: formatAmount(amount),
    priority,
    featureKeys,
    effectiveAt: instant(effectiveAt),
    ...(expiry.kind === 'at' && { expiresAt: at(expiry.instant) }),
    ...(expiry.kind === 'after' && { expiresAfter: expiry.duration }),
    ...(terms.method !== 'NONE' && { funding: paid }),
  };
}
