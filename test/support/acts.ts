import type { ChargeType, SettlementMode } from '../../src/credit/charge.ts';
import type { Command } from '../../src/credit/command.ts';
import type { SettlementStatus } from '../../src/credit/grant.ts';
import type { Instant } from '../../src/instant.ts';
import {
  aCancellation,
  aCharge,
  aCollection,
  aConsumption,
  aCorrection,
  aGrant,
  anAdjustmentDown,
  anAdjustmentUp,
  aPayment,
  aPosting,
  aRecognition,
  aReport,
  aReschedule,
  aVoid,
  type Paid,
} from './builders.ts';

/** Instants of a history lie on a grid this wide, so that different events often fall on the same one. */
export const GRID = 3_600_000;

/** Grid steps from now, behind (−) or ahead; null: left to its default. */
type Steps = number | null;

/** Something asked of a book, told without instants and ids: those depend on when and where it is asked. */
export type Act = GrantAct | ConsumeAct | VoidAct | ChangeGrantAct | ChargeAct | AdjustAct | LedgerAct;

export type GrantAct = {
  readonly do: 'grant';
  readonly currency: string;
  readonly amount: string;
  readonly priority: number;
  readonly featureKeys: readonly string[];
  readonly paid: Paid;
  readonly effective: Steps;
  /** Grid steps it lives; null: for ever. */
  readonly life: number | null;
  readonly id: number;
};

export type ConsumeAct = {
  readonly do: 'consume';
  readonly currency: string;
  readonly amount: string;
  readonly featureKey: string | null;
  readonly mode: SettlementMode;
  readonly booked: Steps;
};

export type VoidAct = { readonly do: 'void'; readonly which: number; readonly release: boolean };

export type ChangeGrantAct =
  | { readonly do: 'reschedule'; readonly which: number; readonly effective: Steps; readonly expires: Steps }
  | {
      readonly do: 'pay';
      readonly which: number;
      readonly status: SettlementStatus;
      readonly occurred: Steps;
    };

export type ChargeAct =
  | {
      readonly do: 'charge';
      readonly type: ChargeType;
      readonly currency: string;
      readonly amount: string;
      readonly featureKey: string | null;
      readonly mode: SettlementMode;
      readonly starts: Steps;
      readonly hold: Steps;
      readonly requireLive: boolean;
    }
  | {
      readonly do: 'report';
      readonly which: number;
      readonly amount: string;
      readonly sequence: number | null;
    }
  | {
      readonly do: 'collect';
      readonly which: number;
      readonly amount: string | null;
      readonly booked: Steps;
      readonly finalize: boolean;
    }
  | { readonly do: 'correct'; readonly which: number; readonly amount: string }
  | { readonly do: 'cancel'; readonly which: number };

export type AdjustAct =
  | { readonly do: 'up'; readonly amount: string; readonly featureKeys: readonly string[] }
  | { readonly do: 'down'; readonly amount: string; readonly featureKey: string | null };

export type LedgerAct =
  | {
      readonly do: 'recognize';
      readonly currency: string;
      readonly amount: string | null;
      readonly booked: Steps;
    }
  | { readonly do: 'post'; readonly amount: string; readonly booked: Steps };

/** The command an act means at an instant; `number` tells its ids apart, `grants` and `charges` are those there are. */
export function commandOf(
  act: Act,
  number: number,
  now: Instant,
  grants: readonly string[],
  charges: readonly string[] = [],
): Command {
  const from = (steps: Steps): Instant | null => (steps === null ? null : now + steps * GRID);
  switch (act.do) {
    case 'grant':
      return grantOf(act, number, now, from(act.effective));
    case 'consume': {
      const { do: _, booked, ...given } = act;
      return aConsumption({ ...given, chargeId: `c${number}`, bookedAt: from(booked) });
    }
    case 'void':
      return aVoid(
        grants[act.which % (grants.length + 1)] ?? UNKNOWN,
        act.release ? 'RELEASE_UNPAID' : 'NONE',
      );
    case 'reschedule': {
      const times = { effectiveAt: from(act.effective), expiresAt: from(act.expires) };
      return aReschedule(recent(grants, act.which), times);
    }
    case 'pay':
      return aPayment(recent(grants, act.which), act.status, from(act.occurred));
    case 'up':
      return anAdjustmentUp({
        grantId: `g${number % 10}-${number}`,
        amount: act.amount,
        featureKeys: act.featureKeys,
      });
    case 'down':
      return anAdjustmentDown({ amount: act.amount, featureKey: act.featureKey });
    case 'recognize':
      return aRecognition(act.amount, { currency: act.currency, bookedAt: from(act.booked) });
    case 'post':
      return aPosting(act.amount, from(act.booked));
    case 'correct':
      return aCorrection(recent(charges, act.which), act.amount);
    case 'charge':
    case 'report':
    case 'collect':
    case 'cancel':
      return ofOpenCharge(
        act,
        number,
        from,
        charges.filter((id) => id.startsWith('o')),
      );
  }
}

type From = (steps: Steps) => Instant | null;

/** Charges created open have ids of their own kind, so that what only they allow often finds one. */
function ofOpenCharge(
  act: Exclude<ChargeAct, { readonly do: 'correct' }>,
  number: number,
  from: From,
  open: readonly string[],
): Command {
  switch (act.do) {
    case 'charge': {
      const { do: _, starts, hold, ...given } = act;
      return aCharge({ ...given, chargeId: `o${number}`, startsAt: from(starts), holdExpiresAt: from(hold) });
    }
    case 'report':
      return aReport(recent(open, act.which), act.amount, act.sequence);
    case 'collect': {
      const amount = act.amount === null ? {} : { amount: act.amount };
      const { finalize } = act;
      return aCollection(recent(open, act.which), { ...amount, finalize, bookedAt: from(act.booked) });
    }
    case 'cancel':
      return aCancellation(recent(open, act.which));
  }
}

function grantOf(act: GrantAct, number: number, now: Instant, effectiveAt: Instant | null): Command {
  const { currency, amount, priority, featureKeys, paid, life } = act;
  const ends = (effectiveAt ?? now) + (life ?? 0) * GRID;
  return aGrant({
    // The id is the last tie-break of the burn order: it must not follow the order of creation.
    grantId: `g${act.id}-${number}`,
    currency,
    amount,
    priority,
    featureKeys,
    paid,
    effectiveAt,
    expiry: life === null ? { kind: 'never' } : { kind: 'at', instant: ends },
  });
}

const UNKNOWN = 'unknown';

/** One of the few newest there are; now and then one there is not. */
const recent = (ids: readonly string[], which: number): string =>
  which === 9 ? UNKNOWN : (ids.at(-1 - (which % Math.max(1, Math.min(ids.length, 4)))) ?? UNKNOWN);
