import { randomUUID } from 'node:crypto';
import { create, fromBinary, toBinary, type DescMethodUnary } from '@bufbuild/protobuf';
import { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import { customerId, SPEND } from '../support/customers.ts';
import { createSamples } from '../support/samples.ts';
import { framed, PREFIX } from './client.ts';
import { openFlood, type FloodAnswer, type FloodConnection } from './flood-connection.ts';
import type { FloodJob, FloodReport } from './flood-job.ts';

/** How often is looked what is due, and who has waited for too long. */
const TICK_MS = 1;

/** A call that was sent and has not ended. */
type Sent = { readonly sentMs: number; readonly dueMs: number };

type Lane = {
  readonly connection: FloodConnection;
  readonly underWay: Map<number, Sent>;
  /** When calls fell due that are not sent yet, the oldest first; what is before `from` is dealt with. */
  readonly waiting: { readonly dueMs: number[]; from: number };
};

/** Floods the service, then leaves: what has not ended by then never does. */
export async function runFlood(job: FloodJob): Promise<FloodReport> {
  const { pace, seconds, deadlineMs } = job;
  const [refusedAfter, doneAfter] = [createSamples(), createSamples()];
  const answers: FloodAnswer[] = [];
  const count = { due: 0, sent: 0, refused: 0, givenUp: 0 };
  const messages = messagesOf(job);
  const path = `/${CreditService.typeName}/${methodOf(job).name}`;
  const open = async (): Promise<Lane> => {
    const underWay = new Map<number, Sent>();
    const connection = await openFlood(job.server, { path, deadlineMs }, (stream, answer) => {
      const afterMs = performance.now() - underWay.get(stream)!.sentMs;
      underWay.delete(stream);
      const isRefused = answer.length === 0;
      if (isRefused) count.refused += 1;
      else answers.push(answer);
      (isRefused ? refusedAfter : doneAfter).add(afterMs);
    });
    return { connection, underWay, waiting: { dueMs: [], from: 0 } };
  };
  const lanes = await Promise.all(Array.from({ length: job.connections }, open));
  const beganMs = performance.now();
  const untilMs = beganMs + seconds * 1000;

  const fallDue = (nowMs: number) => {
    if (pace.kind === 'closed') {
      for (const { underWay, waiting } of lanes)
        for (let n = underWay.size; n < pace.inFlight / lanes.length; n += 1, count.due += 1)
          waiting.dueMs.push(nowMs);
    } else
      for (; count.due < ((nowMs - beganMs) / 1000) * pace.perSecond; count.due += 1)
        lanes[count.due % lanes.length]!.waiting.dueMs.push(beganMs + (count.due / pace.perSecond) * 1000);
  };
  const giveUp = ({ connection, underWay }: Lane, tooOldMs: number) => {
    for (const [stream, { dueMs }] of underWay) {
      if (dueMs >= tooOldMs) return;
      underWay.delete(stream);
      connection.cancel(stream);
      count.givenUp += 1;
    }
  };
  const send = ({ connection, underWay, waiting }: Lane, nowMs: number, tooOldMs: number) => {
    for (; waiting.from < waiting.dueMs.length; waiting.from += 1) {
      const dueMs = waiting.dueMs[waiting.from]!;
      if (dueMs < tooOldMs) {
        count.givenUp += 1;
        continue;
      }
      const stream = connection.send(messages[count.sent % messages.length]!);
      if (stream === null) return;
      underWay.set(stream, { sentMs: nowMs, dueMs });
      count.sent += 1;
    }
  };
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const nowMs = performance.now();
      const tooOldMs = deadlineMs === null ? -Infinity : nowMs - deadlineMs;
      fallDue(Math.min(nowMs, untilMs));
      for (const lane of lanes) {
        giveUp(lane, tooOldMs);
        send(lane, nowMs, tooOldMs);
      }
      if (nowMs < untilMs) return;
      clearInterval(timer);
      resolve();
    }, TICK_MS);
  });
  const took = { seconds: (performance.now() - beganMs) / 1000, ...count, answered: answers.length };
  for (const { connection } of lanes) connection.close();
  // Looked into afterwards: it would take what the service needs.
  const done = answers.reduce((all, answer) => all + doneIn(job, answer), 0);
  return { ...took, done, refusedAfterMs: refusedAfter.values(), doneAfterMs: doneAfter.values() };
}

function methodOf({ calls }: FloodJob): DescMethodUnary {
  const { consumeCredits, batchConsumeCredits, getBalance } = CreditService.method;
  return { spend: consumeCredits, spendBatch: batchConsumeCredits, balance: getBalance }[calls.kind];
}

/** How many of the things that a call asked for were done. */
function doneIn({ calls }: FloodJob, answer: FloodAnswer): number {
  if (calls.kind !== 'spendBatch') return 1;
  const { output } = CreditService.method.batchConsumeCredits;
  const { results } = fromBinary(output, Buffer.concat(answer).subarray(PREFIX));
  return results.filter(({ outcome }) => outcome.case !== 'error').length;
}

/** More than any service here answers of what is asked one by one. */
const MOST_PER_SECOND = 20_000;

/** One message for each call, made beforehand: to make them meanwhile would take what the service needs. */
function messagesOf({ calls, pace, seconds, ...job }: FloodJob): readonly Buffer[] {
  const method = methodOf({ calls, pace, seconds, ...job });
  const anyone = () => customerId(Math.floor(Math.random() * calls.customers));
  const spend = () => ({ ...SPEND, customerId: anyone(), idempotencyKey: randomUUID() });
  const make = () => {
    if (calls.kind === 'spendBatch') return { requests: Array.from({ length: calls.size }, spend) };
    return calls.kind === 'spend' ? spend() : { customerId: anyone() };
  };
  const size = calls.kind === 'spendBatch' ? calls.size : 1;
  const perSecond = pace.kind === 'open' ? pace.perSecond : MOST_PER_SECOND / size;
  return Array.from({ length: Math.ceil(perSecond * seconds) }, () =>
    framed(toBinary(method.input, create(method.input, make() as Record<string, unknown>))),
  );
}
