import { ScalarType, type DescField, type DescMessage } from '@bufbuild/protobuf';
import fc from 'fast-check';

type Init = Record<string, unknown>;

const SCALARS: { readonly [Type in ScalarType]?: fc.Arbitrary<unknown> } = {
  [ScalarType.BYTES]: fc.uint8Array({ maxLength: 300 }),
  [ScalarType.BOOL]: fc.boolean(),
  [ScalarType.INT32]: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  [ScalarType.INT64]: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
};

/** Long ones too, and such as are no ASCII, or no Unicode. */
const ANY_TEXT = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.constantFrom('', 'x'.repeat(300), 'ü'.repeat(64), '\ud800', '\ufeffbom'),
);

/** What messages of a kind are made of, with texts as given; of what may be left out, some is, and some is undefined. */
export function madeOf(
  schema: DescMessage,
  texts: fc.Arbitrary<string> = ANY_TEXT,
  depth = 3,
): fc.Arbitrary<Init> {
  const alone = schema.fields.filter(({ oneof }) => oneof === undefined);
  const fields = alone.flatMap((field) => {
    const value = valueOf(field, texts, depth);
    return value === undefined ? [] : [[field.localName, fc.option(value, { nil: undefined })] as const];
  });
  const choices = schema.oneofs.map(({ localName, fields: cases }) => {
    const each = cases.flatMap((field) => {
      const value = valueOf(field, texts, depth);
      return value === undefined ? [] : [value.map((one) => ({ case: field.localName, value: one }))];
    });
    return [localName, fc.oneof(fc.constant({ case: undefined }), fc.constant(undefined), ...each)] as const;
  });
  return fc.record(Object.fromEntries<fc.Arbitrary<unknown>>([...fields, ...choices]), { requiredKeys: [] });
}

function valueOf(
  field: DescField,
  texts: fc.Arbitrary<string>,
  depth: number,
): fc.Arbitrary<unknown> | undefined {
  const one = itemOf(field, texts, depth);
  if (one === undefined) return undefined;
  if (field.fieldKind === 'list') return fc.array(one, { maxLength: 3 });
  return field.fieldKind === 'map' ? fc.dictionary(fc.string(), one, { maxKeys: 3 }) : one;
}

function itemOf({ scalar, enum: values, message }: DescField, texts: fc.Arbitrary<string>, depth: number) {
  if (message !== undefined) return depth === 0 ? undefined : madeOf(message, texts, depth - 1);
  if (values !== undefined) return fc.constantFrom(...values.values.map(({ number }) => number));
  return scalar === ScalarType.STRING ? texts : SCALARS[scalar ?? ScalarType.INT32];
}
