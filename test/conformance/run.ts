import { call, type CallResult } from '../support/service.ts';
import { mismatches, resolve } from './match.ts';
import { instantOf, type Scenario, type Step } from './scenario.ts';

/** How a scenario meets the service: where it is, and how its clock moves. */
export type Stage = {
  readonly url: string;
  readonly t0: number;
  /** Called before each step and check, with the instant it names if it does. */
  readonly moveTo: (instant: number | undefined) => void;
};

/** Plays a scenario in a namespace of its own; every way in which an answer differs, empty when it passes. */
export async function play(scenario: Scenario, stage: Stage): Promise<readonly string[]> {
  const memory = new Map<string, Record<string, unknown>>();
  const wrong: string[] = [];
  for (const [index, step] of [...scenario.steps, ...scenario.checks].entries()) {
    const what =
      index < scenario.steps.length ? `step ${index + 1}` : `check ${index + 1 - scenario.steps.length}`;
    stage.moveTo(step.at === undefined ? undefined : instantOf(step.at, stage.t0));
    const name = `${scenario.id} ${what} ${step.rpc ?? 'accounts'}`;
    const request = { namespace: scenario.id, ...(spelt(resolve(step.request, memory, stage.t0)) as object) };
    const expected = step.expect === undefined ? undefined : resolve(step.expect, memory, stage.t0);
    if (step.figure === 'accounts') {
      wrong.push(
        ...(await accountMismatches(stage.url, request, expected as object)).map((w) => `${name}: ${w}`),
      );
      continue;
    }
    const results = await Promise.all(
      Array.from({ length: step.parallel ?? 1 }, () => call(stage.url, methodOf(step.rpc!), request)),
    );
    for (const result of results) wrong.push(...judge(step, result, expected).map((w) => `${name}: ${w}`));
    const [first] = results;
    if (step.as !== undefined && first?.ok === true) memory.set(step.as, first.answer);
  }
  return wrong;
}

/** Scenarios write enumerators without their prefix; these are the fields that hold one. */
const ENUMS: Readonly<Record<string, string>> = {
  method: 'FUNDING_METHOD',
  availabilityPolicy: 'AVAILABILITY_POLICY',
  initialSettlementStatus: 'SETTLEMENT_STATUS',
  status: 'SETTLEMENT_STATUS',
  settlementMode: 'SETTLEMENT_MODE',
  type: 'CHARGE_TYPE',
  behavior: 'TAX_BEHAVIOR',
  paymentAdjustment: 'PAYMENT_ADJUSTMENT',
  statuses: 'GRANT_STATUS',
  types: 'TRANSACTION_TYPE',
  parts: 'BALANCE_PART',
  accountType: 'ACCOUNT_TYPE',
};

/** A request with its enumerators spelt in full, as JSON wants them. */
function spelt(value: unknown, field = ''): unknown {
  if (Array.isArray(value)) return value.map((item) => spelt(item, field));
  if (typeof value === 'string') return field in ENUMS ? `${ENUMS[field]}_${value}` : value;
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, spelt(item, key)]));
}

const LEDGER = new Set(['RecognizeRevenue', 'PostTransaction', 'ReverseTransaction', 'GetAccountBalance']);
const methodOf = (rpc: string): string =>
  `${LEDGER.has(rpc) ? 'ledger.v1.LedgerService' : 'credit.v1.CreditService'}/${rpc}`;

function judge(step: Step, result: CallResult, expected: unknown): readonly string[] {
  if (step.error !== undefined) {
    if (result.ok) return [`was to be refused, answered ${JSON.stringify(result.answer)}`];
    const allows = (allowed: string | string[] | undefined, is: string | undefined) =>
      allowed === undefined || [allowed].flat().includes(is ?? '');
    const { code, reason, message } = result.error;
    return allows(step.error.code, code) && allows(step.error.reason, reason)
      ? []
      : [`refused with ${code} ${reason}: ${message}`];
  }
  if (!result.ok)
    return step.may_fail === true
      ? []
      : [`${result.error.code} ${result.error.reason}: ${result.error.message}`];
  const unchained = step.chain === true ? chainBreaks(result.answer['transactions'] ?? []) : [];
  return [...(expected === undefined ? [] : mismatches(result.answer, expected)), ...unchained];
}

/** Newest first: each row's after is the next newer row's before, and the oldest starts at 0. */
function chainBreaks(rows: readonly { balanceBefore: string; balanceAfter: string }[]): readonly string[] {
  return rows.flatMap((row, i) => {
    const before = rows[i + 1]?.balanceAfter ?? '0';
    return row.balanceBefore === before
      ? []
      : [`row ${i + 1} starts at ${row.balanceBefore}, not at ${before}`];
  });
}

const FIGURES: Readonly<Record<string, object>> = {
  fbo: { accountType: 'ACCOUNT_TYPE_CUSTOMER_FBO' },
  accrued: { accountType: 'ACCOUNT_TYPE_CUSTOMER_ACCRUED' },
  wash: { accountType: 'ACCOUNT_TYPE_WASH' },
  earnings: { accountType: 'ACCOUNT_TYPE_EARNINGS' },
  brokerage: { accountType: 'ACCOUNT_TYPE_BROKERAGE' },
  breakage: { accountType: 'ACCOUNT_TYPE_BREAKAGE' },
  receivableOpen: { accountType: 'ACCOUNT_TYPE_CUSTOMER_RECEIVABLE', stage: 'RECEIVABLE_STAGE_OPEN' },
  receivableAuthorized: {
    accountType: 'ACCOUNT_TYPE_CUSTOMER_RECEIVABLE',
    stage: 'RECEIVABLE_STAGE_AUTHORIZED',
  },
  receivableOpenUnknown: {
    accountType: 'ACCOUNT_TYPE_CUSTOMER_RECEIVABLE',
    stage: 'RECEIVABLE_STAGE_OPEN',
    costBasisKnown: false,
  },
  receivableOpenKnown: {
    accountType: 'ACCOUNT_TYPE_CUSTOMER_RECEIVABLE',
    stage: 'RECEIVABLE_STAGE_OPEN',
    costBasisKnown: true,
  },
  accruedUnknown: { accountType: 'ACCOUNT_TYPE_CUSTOMER_ACCRUED', costBasisKnown: false },
  accruedKnown: { accountType: 'ACCOUNT_TYPE_CUSTOMER_ACCRUED', costBasisKnown: true },
};

async function accountMismatches(url: string, request: any, expected: object): Promise<readonly string[]> {
  const { featureKeys, ...rest } = request;
  const filters = featureKeys === undefined ? rest : { ...rest, featureKeys: { keys: featureKeys } };
  const wrong = await Promise.all(
    Object.entries(expected).map(async ([figure, amount]) => {
      const result = await call(url, methodOf('GetAccountBalance'), {
        currency: 'USD',
        ...filters,
        ...FIGURES[figure],
      });
      if (!result.ok) return [`${figure}: ${result.error.message}`];
      return mismatches(result.answer['amount'], amount, figure);
    }),
  );
  return wrong.flat();
}
