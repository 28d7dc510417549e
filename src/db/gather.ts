import { AsyncResource } from 'node:async_hooks';
import { yieldTurn } from './clock.ts';
import { classify } from './failure.ts';

/**
 * Lets questions that arrive together be answered together: while as many rounds as `atOnce` are under way, what comes
 * gathers for the next one. An idle gatherer adds no wait. `answerAll` answers in the order of the questions.
 *
 * Whose signal has aborted before its round begins is not asked about any more. A round under way goes on whoever leaves
 * it: it is short, and others wait for it. What gathers is bounded by the calls that are let in.
 */
export function gather<Question, Answer>(
  answerAll: (questions: readonly Question[]) => Promise<readonly Answer[]>,
  { atOnce, most }: { readonly atOnce: number; readonly most: number },
): (question: Question, signal: AbortSignal) => Promise<Answer> {
  let waiting: Waiting<Question, Answer>[] = [];
  let rounds = 0;

  async function work(): Promise<void> {
    while (waiting.length > 0) {
      // Until all that has come over other connections meanwhile is read: it travels together, and a round trip costs much
      // the same for one as for ten.
      await yieldTurn();
      waiting = waiting.filter(isStillAsked);
      const round = waiting.splice(0, most);
      // Not as a part of whatever began the rounds, which may long be over.
      if (round.length > 0) await round[0]!.asked.runInAsyncScope(answerRound, null, round);
    }
    rounds -= 1;
  }

  /**
   * The fault of one question is nobody else's: a round that fails by it is halved until it stands alone. What the database
   * cannot do now it cannot do for a half either: all are told, and nothing is asked again.
   */
  async function answerRound(round: readonly Waiting<Question, Answer>[]): Promise<void> {
    try {
      const answers = await answerAll(round.map(({ question }) => question));
      for (const [i, { resolve }] of round.entries()) resolve(answers[i]!);
    } catch (error) {
      if (round.length === 1 || classify(error) !== 'fault') {
        for (const { reject } of round) reject(error);
        return;
      }
      const half = Math.ceil(round.length / 2);
      await answerRound(round.slice(0, half));
      await answerRound(round.slice(half));
    }
  }

  return (question, signal) =>
    new Promise((resolve, reject) => {
      waiting.push({ question, signal, asked: new AsyncResource('question', KEPT), resolve, reject });
      if (rounds === atOnce) return;
      rounds += 1;
      void work();
    });
}

/** Nobody is told when it goes. */
const KEPT = { requireManualDestroy: true };

type Waiting<Question, Answer> = {
  readonly question: Question;
  /** Aborts when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  /** What it is asked for, to whoever traces; to keep that takes some nanoseconds, where a snapshot takes microseconds. */
  readonly asked: AsyncResource;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
};

/** Otherwise whoever asked is told why, in case somebody listens after all. */
function isStillAsked<Question, Answer>({ signal, reject }: Waiting<Question, Answer>): boolean {
  if (signal.aborted) reject(signal.reason);
  return !signal.aborted;
}
