import { NEVER, type Instant } from '../../instant.ts';
import type { Scope } from '../../scope.ts';
import { live } from '../balance.ts';
import { putCharge, seal, type Work } from '../book-state.ts';
import { newCharge, type NewCharge } from '../charge.ts';
import { insufficient } from '../collect.ts';
import { chargeAnswer, itsCurrency, nothing, type CommandSpec } from '../spec.ts';

/** Opens a charge: from its start it weighs on live until it is closed or its hold expires. */
export type CreateCharge = NewCharge & {
  readonly kind: 'createCharge';
  /** Null: now. */
  readonly startsAt: Instant | null;
  /** Null: it never expires. */
  readonly holdExpiresAt: Instant | null;
  readonly requireLive: boolean;
};

export const createCharge = {
  method: 'CreateCharge',
  cause: 'CHARGE_CREATED',
  needs: nothing,
  opens: 'charges',
  brings: itsCurrency,
  decide(work, command, now) {
    if (command.requireLive) checkLive(work, command);
    const { startsAt, holdExpiresAt } = command;
    const times = { startsAt: startsAt ?? now, holdExpiresAt: holdExpiresAt ?? NEVER };
    const charge = newCharge(command, { recordedAt: now, version: work.version, ...times });
    return chargeAnswer(putCharge(work, charge));
  },
} satisfies CommandSpec<CreateCharge>;

/** Live in the charge's own scope must cover it, as if it had started (domain.md §14). */
function checkLive(work: Work, { currency, featureKey, amount }: CreateCharge): void {
  const scope: Scope = featureKey === null ? { kind: 'unrestricted' } : { kind: 'feature', featureKey };
  const there = live(seal(work, work.version).state, currency, scope);
  if (there < amount) insufficient({ currency, featureKey }, amount, there);
}
