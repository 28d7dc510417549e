import { call, type CallResult } from '../support/service.ts';
import { mismatches, resolve } from './match.ts';
import { instantOf, type Scenario, type Step } from './scenario.ts';

/** How a scenario meets the service: where its instances are, and how their clock moves. */
export type Stage = {
  /** They take turns, step by step. No answer may show which one gave it. */
  readonly urls: readonly [string, ...string[]];
  readonly t0: number;
  /** Called before each step and check, with the instant it waits for if there is one. */
  readonly moveTo: (instant: number | undefined) => void;
  /** Scenarios that run more than once on one database need namespaces of their own. */
  readonly run?: string;
  /** Before a check about an instant ahead, let it come. No answer may change. */
  readonly askLater?: boolean;
  /** After the steps, let every instant of the scenario pass and a write book what fell due. No answer may change. */
  readonly writeLater?: boolean;
};

/** Plays a scenario in a namespace of its own; every way in which an answer differs, empty when it passes. */
export async function play(scenario: Scenario, stage: Stage): Promise<readonly string[]> {
  const memory = new Map<string, Record<string, unknown>>();
  const namespace = `${scenario.id}${stage.run ?? ''}`;
  const wrong: string[] = [];
  let taken = 0;
  const take = async (step: Step, what: string) => {
    const name = `${scenario.id} ${what} ${step.rpc ?? 'accounts'}`;
    const url = stage.urls[taken % stage.urls.length]!;
    taken += 1;
    const differing = await perform(step, { ...stage, url, namespace, memory });
    wrong.push(...differing.map((w) => `${name}: ${w}`));
  };
  for (const [index, step] of scenario.steps.entries()) {
    stage.moveTo(step.at === undefined ? undefined : instantOf(step.at, stage.t0));
    await take(step, `step ${index + 1}`);
  }
  if (stage.writeLater === true) await passAndWrite(scenario, stage, namespace);
  const ahead = (check: Step) =>
    instantOf((check.request['as_of'] as string | undefined) ?? '', stage.t0) ?? 0;
  // A check without as_of means now, right after the steps: it comes before those that let time pass.
  const checks = [...scenario.checks.entries()].toSorted(([, a], [, b]) =>
    stage.askLater === true ? ahead(a) - ahead(b) : 0,
  );
  for (const [index, check] of checks) {
    const asOf = check.request['as_of'];
    if (stage.writeLater === true && (asOf === undefined || namesVersion(check))) continue;
    const until = check.at ?? (stage.askLater === true && typeof asOf === 'string' ? asOf : undefined);
    stage.moveTo(until === undefined ? undefined : instantOf(until, stage.t0));
    await take(check, `check ${index + 1}`);
  }
  return wrong;
}

const namesVersion = (check: Step): boolean => JSON.stringify(check.expect ?? {}).includes('"version"');

async function passAndWrite(scenario: Scenario, stage: Stage, namespace: string): Promise<void> {
  const instants = [...JSON.stringify(scenario).matchAll(/T0[-+0-9dhms]*/g)].map(
    ([text]) => instantOf(text, stage.t0) ?? stage.t0,
  );
  stage.moveTo(Math.max(...instants) + 1_000);
  const owners = new Set(
    scenario.steps.map((step) => step.request['customer_id']).filter((id) => id !== undefined),
  );
  for (const customerId of owners) {
    const request = { namespace, customerId, name: 'later', currency: 'XTS', amount: '1' };
    const written = await call(stage.urls[0], methodOf('CreateGrant'), request);
    if (!written.ok) throw new Error(`the later write was refused: ${written.error.message}`);
  }
}

type Scene = Stage & {
  readonly url: string;
  readonly namespace: string;
  readonly memory: Map<string, Record<string, unknown>>;
};

async function perform(step: Step, { url, t0, namespace, memory }: Scene): Promise<readonly string[]> {
  const request = { namespace, ...(spelt(resolve(step.request, memory, t0)) as object) };
  if (step.figure === 'accounts') {
    return accountMismatches(url, request, resolve(step.expect, memory, t0) as object);
  }
  const results = await Promise.all(
    Array.from({ length: step.parallel ?? 1 }, () => call(url, methodOf(step.rpc!), request)),
  );
  const [first] = results;
  if (step.as !== undefined && first?.ok === true) memory.set(step.as, first.answer);
  // An expectation may read the very answer it is about.
  const wanted = step.expect === undefined ? undefined : resolve(step.expect, memory, t0);
  return results.flatMap((result) => judge(step, result, wanted));
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

const allows = (allowed: string | string[] | undefined, is: string | undefined) =>
  allowed === undefined || [allowed].flat().includes(is ?? '');

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
