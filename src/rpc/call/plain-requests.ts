import {
  getExtension,
  getOption,
  hasExtension,
  hasOption,
  isFieldSet,
  type DescField,
  type DescMessage,
  type Message,
} from '@bufbuild/protobuf';
import {
  field as fieldRules,
  message as messageRules,
  oneof as oneofRules,
  predefined,
  StringRulesSchema,
  type StringRules,
} from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import { file_credit_v1_rules } from '#gen/credit/v1/rules_pb.ts';

/**
 * Whether a request keeps the rules of its proto by looking at its texts alone. Nearly all do, and protovalidate takes
 * five times as long to say so; of any other request nothing is said, and it is asked. The patterns are those of the
 * proto, so nothing is decided here.
 */
export type IsPlain = (request: Message) => boolean;

type Holds = (value: unknown) => boolean;

/**
 * Makes the check for a message; undefined where it has rules about more than one field. `missing` are the fields that
 * the message breaks a rule by when it is empty.
 */
export function plainCheck(schema: DescMessage, missing: ReadonlySet<string>): IsPlain | undefined {
  const isApart =
    hasOption(schema, messageRules) || schema.oneofs.some((oneof) => hasOption(oneof, oneofRules));
  if (isApart) return undefined;
  const fields = schema.fields.map((field) => ({
    member: field.oneof?.localName ?? field.localName,
    isNeeded: missing.has(field.name),
    holds: holdsOf(field),
  }));
  return (request) => {
    const values = request as unknown as Readonly<Record<string, unknown>>;
    for (let i = 0; i < fields.length; i += 1) {
      const { member, isNeeded, holds } = fields[i]!;
      const value = values[member];
      if (isLeftOut(value) ? isNeeded : !holds(value)) return false;
    }
    return true;
  };
}

function isLeftOut(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return !value;
  if (Array.isArray(value)) return value.length === 0;
  if ('case' in value) return value.case === undefined;
  for (const _ in value) return false;
  return true;
}

const never: Holds = () => false;
const always: Holds = () => true;

/** What a value that is there must keep, as far as it can be said by looking at it alone. */
function holdsOf(field: DescField): Holds {
  if (field.oneof !== undefined || (field.fieldKind !== 'scalar' && field.fieldKind !== 'enum')) return never;
  if (!hasOption(field, fieldRules)) return always;
  const { type, cel, celExpression } = getOption(field, fieldRules);
  if (cel.length > 0 || celExpression.length > 0 || type.case !== 'string') return never;
  const patterns = patternsOf(type.value);
  return patterns === undefined
    ? never
    : (value) => typeof value === 'string' && patterns.every((pattern) => pattern.test(value));
}

/** What a text is to match; undefined where its rules ask for anything else. */
function patternsOf(rules: StringRules): readonly RegExp[] | undefined {
  if (StringRulesSchema.fields.some((field) => isFieldSet(rules, field))) return undefined;
  const ours = file_credit_v1_rules.extensions.filter(
    (rule) => rule.extendee.typeName === StringRulesSchema.typeName && hasExtension(rules, rule),
  );
  if (ours.length !== (rules.$unknown?.length ?? 0)) return undefined;
  const patterns = ours.map((rule) =>
    getExtension(rules, rule) === true
      ? getOption(rule, predefined).cel.map(({ expression }) => patternsIn(expression))
      : [undefined],
  );
  const all = patterns.flat();
  return all.includes(undefined) ? undefined : (all as RegExp[][]).flat();
}

const MATCH = String.raw`this\.matches\('((?:[^'\\]|\\\\)*)'\)`;
const MATCHES = new RegExp(`^${MATCH}(?: && ${MATCH})*$`);

/** The patterns of an expression in CEL that is nothing but matches of the value, all of which must hold. */
const patternsIn = (expression: string): readonly RegExp[] | undefined =>
  MATCHES.test(expression)
    ? [...expression.matchAll(new RegExp(MATCH, 'g'))].map(
        ([, pattern]) => new RegExp(pattern!.replaceAll('\\\\', '\\'), 'u'),
      )
    : undefined;
