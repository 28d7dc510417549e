import { actorOf } from '../../src/actor.ts';
import type { Command } from '../../src/credit/command.ts';
import type { Decided, Submission } from '../../src/write/submission.ts';
import { aGrant } from './builders.ts';

/** A write as the write path takes it, without a wire: its answer is what was decided. */
export function aSubmission<C extends Command>(given: {
  readonly command: C;
  readonly customerId?: string;
  readonly idempotencyKey?: string;
  readonly deadline?: number;
}): Submission<C, Decided<C>> {
  const { command, customerId = 'ada', idempotencyKey = null, deadline = Infinity } = given;
  return {
    key: { namespace: 'default', customerId },
    command,
    actor: actorOf('tests', null, command.kind),
    idempotencyKey,
    deadline,
    content: () => Buffer.from(command.kind),
    differsFrom: () => null,
    reply: {
      respond: (decided) => decided,
      encode: () => Buffer.from('answered'),
      replay: () => {
        throw new Error('nothing here is repeated');
      },
    },
  };
}

/** One that only its name matters of, for tests of what handles submissions without looking inside. */
export const aNamed = (name: string, deadline?: number): Submission =>
  aSubmission({
    command: aGrant({ grantId: name }),
    customerId: name,
    ...(deadline !== undefined && { deadline }),
  });
