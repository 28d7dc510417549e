/**
 * Lets questions that arrive together be answered together: while as many rounds as `atOnce` are under way, what comes
 * gathers for the next one. An idle gatherer adds no wait. `answerAll` answers in the order of the questions.
 */
export function gather<Question, Answer>(
  answerAll: (questions: readonly Question[]) => Promise<readonly Answer[]>,
  { atOnce, most }: { readonly atOnce: number; readonly most: number },
): (question: Question) => Promise<Answer> {
  const waiting: Waiting<Question, Answer>[] = [];
  let rounds = 0;

  async function work(): Promise<void> {
    // A turn of the loop: what arrives together with the first travels with it.
    await Promise.resolve();
    while (waiting.length > 0) {
      await answerRound(waiting.splice(0, most));
    }
    rounds -= 1;
  }

  /** What fails together is asked once more one by one: the fault of one question is nobody else's. */
  async function answerRound(round: readonly Waiting<Question, Answer>[]): Promise<void> {
    try {
      const answers = await answerAll(round.map(({ question }) => question));
      for (const [i, { resolve }] of round.entries()) resolve(answers[i]!);
    } catch (error) {
      if (round.length === 1) return round[0]!.reject(error);
      for (const one of round) await answerRound([one]);
    }
  }

  return (question) =>
    new Promise((resolve, reject) => {
      waiting.push({ question, resolve, reject });
      if (rounds === atOnce) return;
      rounds += 1;
      void work();
    });
}

type Waiting<Question, Answer> = {
  readonly question: Question;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
};
