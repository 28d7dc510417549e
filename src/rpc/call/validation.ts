import type { DescField, DescMessage, DescService, Message } from '@bufbuild/protobuf';
import { create, createRegistry, getOption } from '@bufbuild/protobuf';
import { pathToString } from '@bufbuild/protobuf/reflect';
import type { Violation } from '@bufbuild/protovalidate';
import { createValidator } from '@bufbuild/protovalidate';
import { field as fieldOption, Ignore } from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import { file_credit_v1_rules } from '#gen/credit/v1/rules_pb.ts';
import { isFieldReason } from '../../reasons.ts';
import { fieldsRefused, sentenceOf, type FieldViolation, type RefusalError } from '../../refusal.ts';
import { plainCheck, type IsPlain } from './plain-requests.ts';
import { INSTANT_RULE, instantCheck, type InstantCheck } from '../decoding/instants.ts';

/** Refuses a request that breaks rules of the proto, with every violation at once. */
export type Validate = (schema: DescMessage, request: Message) => void;

/** Every message that the RPCs of some services are asked with. */
export const inputsOf = (services: readonly DescService[]): ReadonlySet<DescMessage> =>
  new Set(services.flatMap(({ methods }) => methods.map(({ input }) => input)));

/**
 * Compiles the rules of the given messages at once: the first use costs 65 ms, which would else be
 * the first caller's. A rule that does not compile stops the start.
 */
export function createValidation(schemas: Iterable<DescMessage>): Validate {
  const validator = createValidator({
    registry: createRegistry(file_credit_v1_rules),
    regexMatch: cachedMatch(),
  });
  const checks = new Map<DescMessage, InstantCheck | undefined>();
  const plain = new Map<DescMessage, IsPlain | undefined>();
  for (const schema of schemas) {
    const { kind, error, violations } = validator.validate(schema, create(schema));
    if (kind === 'error') throw new Error(`the rules of ${schema.typeName} are broken`, { cause: error });
    checks.set(schema, instantCheck(schema, isItemOfBatch));
    plain.set(schema, plainCheck(schema, new Set(violations?.map(({ field }) => pathToString(field)))));
  }
  return (schema, request) => {
    if (plain.get(schema)?.(request) === true) return;
    const noInstants: FieldViolation[] = [];
    checks.get(schema)?.(request, '', noInstants);
    const result = validator.validate(schema, request);
    // A rule may fail on what is no instant; that is told already.
    if (result.kind === 'error' && noInstants.length === 0) throw result.error;
    const broken = result.kind === 'invalid' ? result.violations.map(fieldViolation) : [];
    const violations = [...broken.filter(({ rule }) => rule !== INSTANT_RULE), ...noInstants];
    if (violations.length > 0) throw refusalOf(violations);
  };
}

/** The items of a batch are validated one by one, so that a wrong one fails alone. */
export const isItemOfBatch = (field: DescField) => {
  const { type } = getOption(field, fieldOption);
  return type.case === 'repeated' && type.value.items?.ignore === Ignore.ALWAYS;
};

/** The patterns are few, ours and linear: the platform's RegExp matches them ten times faster than RE2. */
function cachedMatch(): (pattern: string, text: string) => boolean {
  const compiled = new Map<string, RegExp>();
  return (pattern, text) => {
    const known = compiled.get(pattern) ?? new RegExp(pattern, 'u');
    compiled.set(pattern, known);
    return known.test(text);
  };
}

/** A rule on a whole message names its field at the front of its id: `expires_at.after_effective_at`. */
function fieldViolation({ field, ruleId, message, forKey, rule }: Violation): FieldViolation {
  const path = pathToString(field);
  // Where a field is required, or one of several, protovalidate says so of "value".
  if (ruleId === 'required') return { field: path, rule: ruleId, message: 'is required' };
  const isFieldRule = rule.length > 0 || forKey;
  const [first = ''] = ruleId.split('.');
  return { field: isFieldRule ? path : path === '' ? first : `${path}.${first}`, rule: ruleId, message };
}

/**
 * A rule whose id is the name of a reason (such as UNSUPPORTED_FEATURE_FILTER) gives the refusal
 * that reason, so that it is decided in the proto alone; every other rule is an INVALID_FIELD.
 */
function refusalOf(violations: readonly FieldViolation[]): RefusalError {
  const named = violations.find(({ rule }) => isFieldReason(rule)) ?? violations[0];
  const reason = named !== undefined && isFieldReason(named.rule) ? named.rule : 'INVALID_FIELD';
  return fieldsRefused(violations, reason, violations.map(sentenceOf).join('; '), named);
}
